using System.CommandLine;
using System.Globalization;
using System.Text;
using ChatLogger.Bench.Comparison;
using ChatLogger.Bench.Http;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Bench.Verbs;

/// <summary>What the commands share that post a <see cref="Load"/> to a service and compare it with others.</summary>
internal static class PostVerb
{
    public static Command Create(string name, string description, Load load)
    {
        var url = Verb.Url();
        var slug = Verb.Slug();
        var key = Verb.Key();
        var pid = new Option<int?>("--pid")
        {
            Description = "Process of the service on this machine, for its processor time and memory (CHATLOGGER_PID)",
        };
        var peer = Verb.Peer();
        var peerSlug = new Option<string?>("--peer-slug") { Description = "Slug at the peer (CHATLOGGER_PEER_SLUG; default: ours)" };
        var peerKey = Verb.PeerKey();
        var peerChats = new Option<FileInfo?>("--peer-chats")
        {
            Description = "Ids of the peer's chats to write to, one a line (default: made through its API)",
        };
        var peerPid = new Option<int?>("--peer-pid") { Description = "Process of the peer on this machine" };
        var postgresPid = new Option<int?>("--postgres-pid") { Description = "PostgreSQL's first process on this machine (POSTGRES_PID)" };
        var db = new Option<string?>("--db")
        {
            Description = "URL of the service's database, postgres://…: pgbench runs beside, in a schema of its own",
        };
        var connections = new Option<string>("--connections")
        {
            Description = "How many connections, one after the other",
            DefaultValueFactory = _ => "1,16,64,256",
        };
        var seconds = new Option<int>("--seconds") { Description = "How long each run takes", DefaultValueFactory = _ => 8 };
        var rounds = new Option<int>("--rounds") { Description = "How often each", DefaultValueFactory = _ => 3 };
        var warmUp = new Option<int>("--warm-up") { Description = "Seconds of load before, for each", DefaultValueFactory = _ => 8 };
        var chats = new Option<int>("--chats")
        {
            Description = "How many chats to make and to write to in turn",
            DefaultValueFactory = _ => 1000,
        };

        var verb = new Command(name, description)
        {
            url, slug, key, pid, peer, peerSlug, peerKey, peerChats, peerPid, postgresPid, db, connections, seconds, rounds, warmUp, chats,
        };
        verb.SetAction((line, stop) => Verb.Run(async () =>
        {
            var counts = Counts(line.GetRequiredValue(connections));
            var (each, often, many) = (line.Positive(seconds), line.Positive(rounds), line.GetValue(chats));
            var ourSlug = line.Required(slug, "CHATLOGGER_SLUG");
            var contenders = new List<Contender>();
            await using var source = line.GetValue(db) is { } database
                ? NpgsqlDataSource.Create(DatabaseUrl.ToConnectionString("--db", database))
                : null;
            try
            {
                using var http = line.Connect(url, 8);
                contenders.Add(await Target(
                    "ours", line.Number(pid, "CHATLOGGER_PID"), http, ourSlug,
                    line.Required(key, "CHATLOGGER_KEY"), null, many, load, stop));
                if (line.GetValue(peer) is { } theirs)
                {
                    var (peerName, address) = Peer.Parse(peer.Name, theirs);
                    using var peerHttp = Verb.Connect(new Uri(address.AbsoluteUri.TrimEnd('/') + "/"), 8);
                    contenders.Add(await Target(
                        peerName, line.GetValue(peerPid), peerHttp, line.Setting(peerSlug, "CHATLOGGER_PEER_SLUG") ?? ourSlug,
                        line.Required(peerKey, "CHATLOGGER_PEER_KEY"), line.GetValue(peerChats), many, load, stop));
                }
                if (source is not null)
                    contenders.Add(await Pgbench.Prepare(source, line.GetValue(db)!, load, stop));

                var clean = await new PairedRun(contenders, line.Number(postgresPid, "POSTGRES_PID"), Console.Out)
                    .Run(load.Unit, counts, often, each, line.GetValue(warmUp), stop);
                return clean ? Exit.Good : Exit.NotGood;
            }
            finally
            {
                foreach (var contender in contenders)
                    await contender.DisposeAsync();
            }
        }));
        return verb;
    }

    // Makes the chats, unless there are some, and sees that the first request is acknowledged: a rate of refusals is not worth measuring.
    internal static async Task<Wrk> Target(
        string name, int? pid, HttpClient http, string slug, string key, FileInfo? file, int chats, Load load, CancellationToken stop)
    {
        var client = new PluginClient(http, slug, key, new RetryPolicy(TimeProvider.System));
        var ids = file is null ? await Make(client, name, chats, stop) : Ids(file);
        var posts = load.Posts(Uri.EscapeDataString(slug), ids).ToList();
        if (load.PerRequest == 1)
            Acknowledged(name, await client.Post(posts[0].Path, Encoding.UTF8.GetBytes(posts[0].Body), stop));
        else
        {
            var answers = await client.Batch(posts[0].Path, Encoding.UTF8.GetBytes(posts[0].Body), load.PerRequest, stop);
            answers.ForEach(answer => Acknowledged(name, answer));
        }
        return new Wrk(name, pid, http.BaseAddress!, key, load.PerRequest, posts);
    }

    private static async Task<IReadOnlyList<string>> Make(PluginClient client, string name, int chats, CancellationToken stop)
    {
        var ids = new string[Math.Max(1, chats)];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stop };
        await Parallel.ForAsync(0, ids.Length, parallel, async (n, _) =>
        {
            var chat = Encoding.UTF8.GetBytes($$"""{"title":"Chat no. {{n + 1}}","tags":["bench"]}""");
            ids[n] = Acknowledged(name, await client.CreateChat(chat, stop));
        });
        return ids;
    }

    private static List<string> Ids(FileInfo file)
    {
        try
        {
            var ids = File.ReadLines(file.FullName).Select(id => id.Trim()).Where(id => id.Length > 0).ToList();
            return ids.Count > 0
                ? ids
                : throw new UsageException($"There is no id of a chat in {file.Name}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"Cannot open the file: {e.Message}");
        }
    }

    private static string Acknowledged(string name, Answer answer) => answer.Outcome == Outcome.Acknowledged
        ? answer.Id
        : throw new ServiceException($"{name} did not acknowledge a first request: {answer.Problem?.ToString() ?? answer.Reason}");

    internal static int[] Counts(string text)
    {
        var counts = text.Split(',')
            .Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0)
            .ToArray();
        return counts.All(count => count is >= 1 and <= 4096)
            ? counts
            : throw new UsageException("--connections must be numbers from 1 to 4096 with commas between them.");
    }
}
