using System.CommandLine;
using System.Globalization;
using ChatLogger.Bench.Http;
using ChatLogger.Configuration;
using ChatLogger.PrivatePostgres;
using Npgsql;

namespace ChatLogger.Bench.Verbs;

/// <summary>What every command needs to find the service and the file; each setting may also come from the environment.</summary>
internal static class Verb
{
    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(60);

    public static Argument<string> File() =>
        new("FILE") { Description = "Conversations, one JSON object a line (.jsonl, .jsonl.gz); - reads standard input" };

    public static Option<string?> Url() =>
        new("--url") { Description = "Address of the service (CHATLOGGER_URL; default http://127.0.0.1:5080)" };

    public static Option<string?> Slug() =>
        new("--slug") { Description = "Slug of the key's organization (CHATLOGGER_SLUG)" };

    public static Option<string?> Key() =>
        new("--key") { Description = "API key, clk_… (CHATLOGGER_KEY, which keeps it out of the shell's history)" };

    public static Option<string?> Email() =>
        new("--email") { Description = "E-mail of a member who may read all chats (CHATLOGGER_EMAIL)" };

    public static Option<string?> Peer() =>
        new("--peer") { Description = "NAME=URL of another service with the same routes, to run beside" };

    public static Option<string?> PeerKey() =>
        new("--peer-key") { Description = "API key at the peer (CHATLOGGER_PEER_KEY)" };

    public static Option<int> Connections() =>
        new("--connections") { Description = "How many conversations at once, each over its own connection", DefaultValueFactory = _ => 8 };

    public static Option<long?> Limit() =>
        new("--limit") { Description = "Only the first N conversations of the file" };

    /// <summary>
    /// The option, else the environment variable. Not a default of the option, because the help text prints defaults and some are secret.
    /// </summary>
    public static string? Setting(this ParseResult line, Option<string?> option, string variable) =>
        line.GetValue(option) ?? Environment.GetEnvironmentVariable(variable)?.Trim() switch { "" => null, var value => value };

    public static string Required(this ParseResult line, Option<string?> option, string variable) =>
        line.Setting(option, variable) ?? throw new UsageException($"Missing: {option.Name}, or {variable} in the environment.");

    public static int Positive(this ParseResult line, Option<int> option) =>
        line.GetValue(option) is > 0 and <= 1024 and var value
            ? value
            : throw new UsageException($"{option.Name} must be between 1 and 1024.");

    public static int? Number(this ParseResult line, Option<int?> option, string variable) =>
        line.GetValue(option)
        ?? (int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : null);

    /// <summary>Not an option, since command lines are visible to others.</summary>
    public static string Password() => Password(Environment.GetEnvironmentVariable("CHATLOGGER_PASSWORD"));

    public static string Password(string? given) => given is { Length: > 0 } password
        ? password
        : throw new UsageException("Missing: the password, with --password-stdin or CHATLOGGER_PASSWORD in the environment.");

    public static HttpClient Connect(this ParseResult line, Option<string?> url, int connections)
    {
        var address = line.Setting(url, "CHATLOGGER_URL") ?? "http://127.0.0.1:5080";
        if (!Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new UsageException($"{url.Name} must be an http or https address.");
        return Connect(uri, connections);
    }

    public static HttpClient Connect(Uri address, int connections)
    {
        // No redirects: they would carry key or cookie to wherever they point. A connection that idled is closed here before the service
        // may close it, as a POST that meets a closing connection has an unknown outcome.
        var handler = new SocketsHttpHandler
        {
            MaxConnectionsPerServer = connections,
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        };
        return new HttpClient(handler) { BaseAddress = address, Timeout = RequestTimeout };
    }

    public static ConversationFile Open(this ParseResult line, Argument<string> file, Option<long?> limit)
    {
        var path = line.GetRequiredValue(file);
        var first = line.GetValue(limit) ?? long.MaxValue;
        if (first < 1)
            throw new UsageException($"{limit.Name} must be at least 1.");
        try
        {
            return new ConversationFile(path == "-" ? Console.OpenStandardInput() : System.IO.File.OpenRead(path), first);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"Cannot open the file: {e.Message}");
        }
    }

    /// <summary>Runs a command; one sentence says what prevents it from running.</summary>
    public static async Task<int> Run(Func<Task<int>> verb)
    {
        try
        {
            return await verb();
        }
        catch (Exception e)
            when (e is UsageException or ServiceException or HttpRequestException or StartupException
                or PrivateDatabaseException or NpgsqlException
                || e.InnerException is TimeoutException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return Exit.CannotRun;
        }
        catch (OperationCanceledException)
        {
            return Exit.Interrupted;
        }
    }
}
