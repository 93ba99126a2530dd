namespace ChatLogger.Tests.Contracts;

/// <summary>What the scripts in db/migrations must say.</summary>
public class MigrationScriptTests
{
    /// <summary>The first script to which the rule applies; older ones are released without the line.</summary>
    private const string First = "0016";

    /// <summary>Scripts on which the version before cannot run, each with its reason.</summary>
    private static readonly Dictionary<string, string> Incompatible = new()
    {
        ["0035_cells_of_rollups.sql"] = "The version before reads and writes buckets of one row.",
        ["0025_sums_of_chats.sql"] = "The version before writes rollups without the sums of chats.",
        ["0024_organization_log.sql"] = "The version before draws numbers without the lock of the log, so readers would miss changes.",
    };

    [Fact]
    public void Every_new_script_says_whether_the_version_before_can_run_on_it()
    {
        var scripts = Directory.GetFiles(Path.Combine(Repository.Root, "db", "migrations"), "*.sql");

        Assert.NotEmpty(scripts);
        Assert.All(
            scripts.Select(path => (Name: Path.GetFileName(path), Text: File.ReadAllText(path))),
            script => Assert.True(
                IsClear(script.Name, script.Text),
                $"{script.Name} has no line \"-- compatible\" among its first comments: add it, or give the reason in Incompatible."));
    }

    [Theory]
    [InlineData("0015_old.sql", "alter table t add column a int;", true)]
    [InlineData("0016_new.sql", "alter table t add column a int;", false)]
    [InlineData("0016_new.sql", "-- Adds a column.\n-- compatible\nalter table t add column a int;", true)]
    [InlineData("0016_new.sql", "-- Adds a column.\n\n-- compatible\nalter table t add column a int;", false)]
    [InlineData("0016_new.sql", "-- This is compatible.\nalter table t add column a int;", false)]
    public void Only_a_line_of_its_own_among_the_first_comments_counts(string name, string text, bool isClear) =>
        Assert.Equal(isClear, IsClear(name, text));

    private static bool IsClear(string name, string text) =>
        string.CompareOrdinal(name, First) < 0
        || text.Split('\n').TakeWhile(line => line.StartsWith("--", StringComparison.Ordinal)).Contains("-- compatible")
            != Incompatible.ContainsKey(name);
}
