using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using ChatLogger.Http;
using ChatLogger.Import;
using NodaTime;

namespace ChatLogger.Cli;

/// <summary>The command <c>import</c>: brings the conversations of a file into a running service, over its plugin API.</summary>
internal static class ImportCommand
{
    public const string Name = "import";
    public const int Usage = 2;

    private const int Incomplete = 1;
    private const int Interrupted = 130;
    private const string JournalEnding = ".chatlogger-import";

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(100);

    private static readonly Argument<string> File = new("FILE") { Description = "The file to import; it may be packed with gzip." };
    private static readonly Option<string?> Url =
        new("--url") { Description = "Where the service is (CHATLOGGER_URL); default: where it would listen." };
    private static readonly Option<string?> Slug = new("--slug") { Description = "The organization's slug (CHATLOGGER_SLUG)." };
    private static readonly Option<string?> Key =
        new("--key") { Description = "An API key with the scopes ingest and import (CHATLOGGER_KEY, which no process list shows)." };
    private static readonly Option<string> Format = new("--format")
    {
        Description = $"What the file is: {ImportFile.Automatic} (default: recognize it), {string.Join(", ", ImportFile.Formats)}.",
        DefaultValueFactory = _ => ImportFile.Automatic,
    };
    private static readonly Option<string?> UserMap = new("--user-map")
    {
        Description = "A JSON file {\"<userId in the file>\": \"<userId here>\"}; chats of other members become nobody's.",
    };
    private static readonly Option<string> BranchesOption = new("--branches")
    {
        Description = "Of a conversation that was edited or answered again: the latest branch (default), or all, each as a chat.",
        DefaultValueFactory = _ => "latest",
    };
    private static readonly Option<string[]> Columns = new("--columns")
    {
        Description = $"For CSV: chat=COLUMN,content=COLUMN,…; fields are {string.Join(", ", CsvMessages.Fields)}.",
    };
    private static readonly Option<string[]> Assistant =
        new("--assistant") { Description = "For WhatsApp: a participant whose messages are the assistant's; may be repeated." };
    private static readonly Option<string?> Zone =
        new("--time-zone") { Description = "The IANA zone of times that have none; default UTC." };
    private static readonly Option<string?> JournalPath =
        new("--journal") { Description = $"Where the import notes how far it is; default: FILE{JournalEnding}." };

    public static Command Create()
    {
        var command = new Command(Name, "Import the conversations of a file; run again, it goes on where it stopped.")
        {
            File, Url, Slug, Key, Format, UserMap, BranchesOption, Columns, Assistant, Zone, JournalPath,
        };
        command.SetAction(Run);
        return command;
    }

    private static async Task<int> Run(ParseResult line, CancellationToken ct)
    {
        using var signals = new SignalHandler(ct);
        try
        {
            return await Import(line, signals.Token);
        }
        catch (ImportException refused)
        {
            return Invocation.Of(line).Refuse(refused.Message, Usage);
        }
    }

    private static async Task<int> Import(ParseResult line, CancellationToken ct)
    {
        var invocation = Invocation.Of(line);
        var url = Setting(line, Url, "CHATLOGGER_URL") ?? ServerUrls.Local([], invocation.Customize);
        if (!Uri.TryCreate($"{url.TrimEnd('/')}/", UriKind.Absolute, out var service) || service.Scheme is not ("http" or "https"))
            throw new ImportException($"{url} is not a URL such as http://127.0.0.1:5080.");
        var slug = Required(line, Slug, "CHATLOGGER_SLUG");
        var key = Required(line, Key, "CHATLOGGER_KEY");
        if (key.Any(letter => letter is <= ' ' or > '~'))
            throw new ImportException("The key holds characters that no key has.");
        var users = ReadUserMap(line.GetValue(UserMap));
        var options = Options(line);
        var path = line.GetRequiredValue(File);
        await using var file = new ImportFile(Open(path), Path.GetFileName(path), options, line.GetValue(Format));
        var identity = Identity(line, path, $"{service}{slug}");
        await using var journal = await ImportJournal.OpenAsync(
            line.GetValue(JournalPath) ?? path + JournalEnding, identity, TimeProvider.System.GetUtcNow(), ct);

        using var http = new HttpClient(
            // No redirects: they would carry the key to wherever they point.
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            })
        {
            BaseAddress = service,
            Timeout = RequestTimeout,
        };
        var (stopped, exit) = ((string?)null, Incomplete);
        using (var progress = new ImportProgressLine(invocation.Error, invocation.Error == Console.Error && !Console.IsErrorRedirected))
        {
            var client = new ImportClient(http, slug, key, TimeProvider.System, progress.Say);
            var importer = new Importer(client, journal, users, TimeProvider.System);
            // What was sent is waited for, as long as a request may take.
            await using var interruption = ct.Register(() => progress.Say("Interrupted: it ends when what it has sent is answered."));
            try
            {
                if (!journal.IsFinished)
                    await importer.Run(file, progress, ct);
            }
            catch (ImportStoppedException why)
            {
                stopped = why.Message;
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                (stopped, exit) = ("interrupted. The same command goes on from here.", Interrupted);
            }
        }
        await ImportReport.Print(invocation.Output, file, journal, stopped);
        return stopped is null && journal.Counts.Refused == 0 ? 0 : exit;
    }

    private static ImportOptions Options(ParseResult line) => new()
    {
        Branches = line.GetValue(BranchesOption) switch
        {
            "latest" => Branches.Latest,
            "all" => Branches.All,
            _ => throw new ImportException("--branches is latest or all."),
        },
        Columns = ReadColumns(line.GetValue(Columns) ?? []),
        Assistants = (line.GetValue(Assistant) ?? []).ToHashSet(),
        Zone = line.GetValue(Zone) is not { } zone ? DateTimeZone.Utc
            : TimeZones.Find(zone) ?? throw new ImportException($"--time-zone: {TimeZones.Sentence}"),
    };

    private static Dictionary<string, string> ReadColumns(string[] given)
    {
        var columns = new Dictionary<string, string>();
        foreach (var pair in given.SelectMany(text => text.Split(',')).Select(text => text.Split('=', 2)))
        {
            if (pair.Length != 2 || !CsvMessages.Fields.Contains(pair[0].Trim()))
                throw new ImportException($"--columns: {pair[0]} is not FIELD=COLUMN; fields are {string.Join(", ", CsvMessages.Fields)}.");
            columns[pair[0].Trim()] = pair[1].Trim();
        }
        return columns;
    }

    private static Dictionary<string, string> ReadUserMap(string? path)
    {
        if (path is null)
            return [];
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, string>>(System.IO.File.ReadAllBytes(path)) ?? [];
        }
        catch (Exception failure) when (failure is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new ImportException($"--user-map: {path} is not a JSON object of ids of members: {failure.Message}");
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1, FileOptions.SequentialScan);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ImportException($"The file cannot be opened: {failure.Message}");
        }
    }

    private static ImportIdentity Identity(ParseResult line, string path, string target)
    {
        using var file = Open(path);
        var head = new byte[64 * 1024];
        var count = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        string[] options =
        [
            $"--format {line.GetValue(Format)}", $"--branches {line.GetValue(BranchesOption)}",
            .. (line.GetValue(Columns) ?? []).Select(columns => $"--columns {columns}"),
            .. (line.GetValue(Assistant) ?? []).Select(name => $"--assistant {name}"),
            $"--time-zone {line.GetValue(Zone) ?? "UTC"}",
        ];
        return new(
            target,
            string.Join(' ', options),
            file.Length,
            Convert.ToHexStringLower(SHA256.HashData(head.AsSpan(0, count))));
    }

    private static string? Setting(ParseResult line, Option<string?> option, string variable) =>
        line.GetValue(option) ?? (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value.Trim() : null);

    private static string Required(ParseResult line, Option<string?> option, string variable) =>
        Setting(line, option, variable)
        ?? throw new ImportException($"{option.Name} is missing, or {variable} in the environment.");
}
