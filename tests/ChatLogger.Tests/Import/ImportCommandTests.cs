using System.Runtime.Versioning;
using ChatLogger.Auth;
using ChatLogger.PrivatePostgres;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Import;

/// <summary>The command as a process: its exit codes, what it prints, and that it can be killed at any time.</summary>
[UnsupportedOSPlatform("windows")]
public sealed partial class ImportCommandTests(LeasedApp app) : IClassFixture<LeasedApp>, IAsyncLifetime
{
    private const int Chats = 250;
    private const int Messages = 100;
    private const int Interrupt = 2;
    private const int Terminate = 15;
    private const int Killed = 137;
    private const string Status = "/proc/self/status";

    private readonly ProcessSandbox _here = new();

    private string File => Path.Combine(_here.Root, "chats.jsonl");

    private string Journal => $"{File}.chatlogger-import";

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _here.CleanUp();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Killed_twice_and_run_again_it_has_imported_everything_once(bool keepsJournal)
    {
        var acme = await app.Org("acme");
        await WriteFile();
        for (var kill = 0; kill < 2; kill++)
        {
            await using var stop = await StopAt(80 * (kill + 1));
            var import = await Start(acme);
            await IsStopped();
            await import.Kill();
            Assert.Equal(Killed, await import.Exit());
            if (!keepsJournal)
                System.IO.File.Delete(Journal);
        }
        Assert.InRange(await acme.Count("messages"), 1, (Chats * Messages) - 1);

        var last = await Start(acme);

        Assert.True(await last.Exit() == 0, last.Output + last.Errors);
        await IsWholeAndOnce(acme);
    }

    [Fact]
    public async Task Interrupted_it_says_how_far_it_is_and_the_same_command_goes_on()
    {
        var acme = await app.Org("acme");
        await WriteFile();
        var stop = await StopAt(20);
        var import = await Start(acme);
        await IsStopped();

        Assert.True(Posix.Signal(import.Id, IsInterruptIgnored() ? Terminate : Interrupt));

        const string Heard = "Interrupted: it ends when what it has sent is answered.";
        await Wait.Until(() => import.Errors.Contains(Heard, StringComparison.Ordinal));
        await stop.DisposeAsync();
        Assert.Equal(130, await import.Exit());
        Assert.Equal(Heard, import.Errors);
        Assert.EndsWith("Stopped: interrupted. The same command goes on from here.", import.Output, StringComparison.Ordinal);
        Assert.Matches(@"chats +\d+ imported, 0 were there", import.Output);
        var again = await Start(acme);
        Assert.True(await again.Exit() == 0, again.Output + again.Errors);
        await IsWholeAndOnce(acme);
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_told_while_it_tries_again()
    {
        await WriteFile();

        // Nothing listens at the first port.
        var import = _here.Start(
            ["CHATLOGGER_KEY=clk_x"], "import", File, "--url", "http://127.0.0.1:1", "--slug", "acme");

        await Wait.Until(() => import.Errors.Contains("The service does not take it yet: Connection refused. ", StringComparison.Ordinal));
        await import.Kill();
        Assert.Equal(Killed, await import.Exit());
        Assert.Equal("", import.Output);
    }

    [Fact]
    public async Task What_was_refused_ends_it_with_1_and_stands_in_the_report_that_can_be_asked_for_again()
    {
        var acme = await app.Org("acme");
        await System.IO.File.WriteAllTextAsync(
            File,
            """
            {"messages":[{"role":"user","content":"Hi"}]}
            {oops
            {"messages":[{"role":"user","content":"Hi"},{"role":"pirate","content":"Arr"}]}
            """);

        var import = await Start(acme);

        Assert.Equal(1, await import.Exit());
        Assert.Equal("", import.Errors);
        Assert.Contains("messages   2 imported, 0 were there", import.Output, StringComparison.Ordinal);
        Assert.Matches(@"refused    2\n  line 2: not JSON[^\n]*\n  line 3, message 2: role: [^\n]+$", import.Output);
        var again = await Start(acme);
        Assert.Equal(1, await again.Exit());
        Assert.Contains("line 3, message 2: role: ", again.Output, StringComparison.Ordinal);
        Assert.Equal(2, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_file_that_was_cut_off_stops_it_and_the_whole_file_completes_it()
    {
        const string First = """[{"id":"1","externalUserId":null,"messages":[{"role":"user","content":"1"}]},""";
        var acme = await app.Org("acme");
        await System.IO.File.WriteAllTextAsync(File, First);

        var import = await Start(acme);

        Assert.Equal(1, await import.Exit());
        Assert.EndsWith("Stopped: item 2: the file cannot be read further: the array has no end", import.Output, StringComparison.Ordinal);
        await System.IO.File.AppendAllTextAsync(File, First[1..^1].Replace('1', '2') + "]");
        var whole = await Start(acme);
        Assert.True(await whole.Exit() == 0, whole.Output + whole.Errors);
        Assert.Contains("chats      1 imported, 1 were there", whole.Output, StringComparison.Ordinal);
        Assert.Equal(2, await acme.Count("messages"));
    }

    [Theory]
    [InlineData("nowhere.json", "The file cannot be opened")]
    [InlineData("FILE --format word", "There is no format \"word\". Known are: auto, jsonl, json, openai-jsonl, ")]
    [InlineData("FILE --branches some", "--branches is latest or all.")]
    [InlineData("FILE --time-zone Mars/Olympus", "--time-zone: ")]
    [InlineData("FILE --user-map FILE", "chats.jsonl is not a JSON object of ids of members")]
    [InlineData("FILE --columns color=Color", "--columns: color is not FIELD=COLUMN")]
    [InlineData("FILE --url ftp://acme.example", "ftp://acme.example is not a URL")]
    [InlineData("--branches all", "FILE")]
    public async Task What_it_cannot_begin_with_is_told_in_a_sentence(string arguments, string told)
    {
        await System.IO.File.WriteAllTextAsync(File, "[1]");

        var import = await _here.Run(
            [], ["import", "--slug", "acme", "--key", "clk_x", .. arguments.Replace("FILE", File, StringComparison.Ordinal).Split(' ')]);

        Assert.Equal(2, import.ExitCode);
        Assert.Equal("", import.Output);
        var line = Assert.Single(import.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("chatlogger: ", line, StringComparison.Ordinal);
        Assert.Contains(told, line, StringComparison.Ordinal);
    }

    // A shell starts what runs in its background with SIGINT ignored, and so are then the processes that this one starts.
    private static bool IsInterruptIgnored() =>
        System.IO.File.Exists(Status)
        && System.IO.File.ReadLines(Status).First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is var ignored
        && (Convert.ToUInt64(ignored[7..].Trim(), 16) & (1UL << (Interrupt - 1))) != 0;

    private Task WriteFile() => System.IO.File.WriteAllLinesAsync(File, Enumerable.Range(0, Chats).Select(chat =>
        $$"""{"id":"c{{chat}}","title":"{{chat}}","externalUserId":null,"messages":["""
        + string.Join(',', Enumerable.Range(0, Messages).Select(message => $$"""{"role":"user","content":"{{chat}}-{{message}}"}"""))
        + "]}"));

    private async Task<ServiceProcess> Start(Org org) => _here.Start(
        [$"CHATLOGGER_KEY={await org.Key(KeyScope.Ingest, KeyScope.Import)}"],
        "import", File, "--url", app.Address.ToString(), "--slug", org.Slug);

    private async Task IsWholeAndOnce(Org org)
    {
        Assert.Equal(Chats, await org.Count("chats"));
        // In the order of arrival, each chat has what the file says.
        var stored = await app.Value<string[]>(
            """
            select array_agg(said order by title::int) from (
                select c.title, string_agg(m.content, ' ' order by m.seq) as said
                from chats c join messages m on m.org_id = c.org_id and m.chat_id = c.id
                where c.org_id = @Id group by c.title) chats
            """,
            new { org.Id });
        Assert.Equal(
            Enumerable.Range(0, Chats).Select(chat => string.Join(' ', Enumerable.Range(0, Messages).Select(n => $"{chat}-{n}"))), stored!);
    }
}
