namespace ChatLogger.Tests.Contracts;

/// <summary>What the scripts in db/migrations must say.</summary>
public class MigrationScriptTests
{
    /// <summary>Scripts on which the version before cannot run, each with its reason. Scripts up to 0015 are older than the rule.</summary>
    private static readonly Dictionary<string, string> Incompatible = [];

    [Fact]
    public void Every_new_script_says_whether_the_version_before_can_run_on_it()
    {
        var scripts = Directory.GetFiles(Path.Combine(Repository.Root, "db", "migrations"), "*.sql")
            .ToDictionary(path => Path.GetFileName(path), File.ReadAllLines);

        Assert.NotEmpty(scripts);
        Assert.All(
            scripts.Where(script => string.CompareOrdinal(script.Key, "0016") >= 0),
            script => Assert.True(
                script.Value.TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)).Contains("-- compatible")
                    != Incompatible.ContainsKey(script.Key),
                $"{script.Key} has no line \"-- compatible\" among its first comments: add it, or give the reason in Incompatible."));
    }
}
