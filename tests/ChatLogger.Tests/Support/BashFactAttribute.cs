namespace ChatLogger.Tests.Support;

/// <summary>A test for a terminal with bash and curl.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BashFactAttribute : FactAttribute
{
    public BashFactAttribute()
    {
        string[] missing = [.. new[] { "bash", "curl", "sed" }.Where(program => !IsOnPath(program))];
        if (missing.Length > 0)
            Skip = $"Needs {string.Join(" and ", missing)}.";
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Any(directory => File.Exists(Path.Combine(directory, program)));
}
