namespace ChatLogger.Tests.Contracts;

/// <summary>A source file fits on a few screens, and its lines fit on one.</summary>
public class SourceFileTests
{
    private const int MaxLines = 250;
    private const int MaxColumns = 140;

    /// <summary>Files that may have longer lines, with the reason. A line with a URL may be longer in any file.</summary>
    private static readonly Dictionary<string, string> WideFiles = new()
    {
        ["tests/ChatLogger.Tests/Bench/ConversationFileTests.cs"] = "A line is a conversation.",
        ["tests/ChatLogger.Tests/Bench/RealServiceTests.cs"] = "A line is a conversation.",
        ["tests/ChatLogger.Tests/Import/FormatTests.cs"] = "A line is a conversation.",
        ["tests/ChatLogger.Tests/Import/FormatTests.Trees.cs"] = "A line is a message.",
    };

    private static readonly Lazy<IReadOnlyDictionary<string, string[]>> Files = new(() => new[] { "src", "tests", "bench" }
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
        .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/'))
        .Where(path => !path.Split('/').Any(folder => folder is "bin" or "obj" or "node_modules"))
        .ToDictionary(path => path, path => File.ReadAllLines(Path.Combine(Repository.Root, path))));

    [Fact]
    public void No_file_has_more_than_250_lines() => Compare([], lines => lines.Length > MaxLines);

    [Fact]
    public void No_line_has_more_than_140_columns() => Compare(WideFiles.Keys, lines => lines.Any(IsWide));

    private static void Compare(IReadOnlyCollection<string> exceptions, Func<string[], bool> exceeds)
    {
        var found = Files.Value.Where(file => exceeds(file.Value)).Select(file => file.Key).ToList();
        var (missing, stale) = (found.Except(exceptions).ToList(), exceptions.Except(found).ToList());

        Assert.True(missing.Count == 0, $"Beyond the limit:\n{string.Join('\n', missing)}");
        Assert.True(stale.Count == 0, $"Within the limit by now; remove them from the exceptions:\n{string.Join('\n', stale)}");
    }

    private static bool IsWide(string line) => line.Length > MaxColumns && !line.Contains("://", StringComparison.Ordinal);
}
