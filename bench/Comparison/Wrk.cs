using System.Globalization;
using System.Text.Json;

namespace ChatLogger.Bench.Comparison;

/// <summary>
/// A service behind HTTP, driven by wrk: of the load generators, the one that takes the least from the processors it shares.
/// </summary>
internal sealed class Wrk : Contender
{
    private readonly Uri address;
    private readonly string key;
    private readonly int perRequest;
    private readonly string script;
    private readonly string requests = Path.GetTempFileName();

    public Wrk(string name, int? pid, Uri address, string key, int perRequest, IEnumerable<Post> posts)
        : this(name, pid, address, key, perRequest, "requests.lua", posts.Select(post => $"{address.AbsolutePath}{post.Path}\t{post.Body}"))
    {
    }

    private Wrk(string name, int? pid, Uri address, string key, int perRequest, string script, IEnumerable<string> lines)
        : base(name, pid)
    {
        this.address = address;
        this.key = key;
        this.perRequest = perRequest;
        this.script = Path.Combine(AppContext.BaseDirectory, "wrk", script);
        File.WriteAllLines(requests, lines);
    }

    public static Wrk OfExports(string name, int? pid, Uri address, string key, bool json) =>
        OfTurns(name, pid, address, key, "v1/traces", json ? "application/json" : "application/x-protobuf", Exports.Bodies(json));

    /// <summary>Batches of what is new in the exports.</summary>
    public static Wrk OfBatches(string name, int? pid, Uri address, string slug, string key) =>
        OfTurns(name, pid, address, key, $"api/v1/orgs/{slug}/batch", "application/json", Exports.Batches());

    private static Wrk OfTurns(string name, int? pid, Uri address, string key, string path, string type, IEnumerable<byte[]> turns) =>
        new(
            name, pid, address, key, Exports.PerExport, "exports.lua",
            turns.Select(body => $"{address.AbsolutePath}{path}\t{type}\t{Convert.ToHexString(body)}"));

    public override async Task<Sample> Run(int connections, int seconds, CancellationToken stop)
    {
        // The key goes by the environment: command lines are visible to others.
        var said = await Tool.Run(
            "wrk",
            "apt-get install wrk, brew install wrk, or https://github.com/wg/wrk",
            [
                "--threads", "1", "--connections", Text(connections), "--duration", $"{seconds}s", "--timeout", "10s", "--script", script,
                address.GetLeftPart(UriPartial.Authority),
            ],
            new() { ["CHATLOGGER_KEY"] = key, ["CHATLOGGER_REQUESTS"] = requests },
            stop);
        return Read(said, perRequest);
    }

    public override ValueTask DisposeAsync()
    {
        File.Delete(requests);
        return ValueTask.CompletedTask;
    }

    /// <summary>The line of the Lua script in the output of wrk. wrk counts a status of 400 or more as refused.</summary>
    public static Sample Read(string said, int perRequest)
    {
        var line =
            said.Split('\n').FirstOrDefault(line => line.StartsWith('{'))
            ?? throw new UsageException($"wrk said nothing that is understood: {Excerpt.Of(said)}");
        var result = JsonElement.Parse(line);
        var (refused, unanswered) = (Number("refused"), Number("connect") + Number("read") + Number("write") + Number("timeout"));
        var seconds = Number("microseconds") / 1e6;
        return new Sample(
            seconds > 0 ? (Number("requests") - refused) * perRequest / seconds : 0,
            TimeSpan.FromMicroseconds(Number("p50")),
            TimeSpan.FromMicroseconds(Number("p99")),
            refused + unanswered,
            string.Join(
                ", ",
                from kind in (string[])["refused", "connect", "read", "write", "timeout"]
                where Number(kind) > 0
                select $"{kind} {Text(Number(kind))}"));

        long Number(string name) => result.GetProperty(name).GetInt64();
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
