using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.SearchIndex;
using Dapper;
using Npgsql;

namespace ChatLogger.Bench.Verbs;

/// <summary>exports: writes an export and discards it, in turns with psql copying the same rows as CSV, and prints the ratios.</summary>
internal static class ExportsVerb
{
    public static Command Create()
    {
        var db = new Option<string?>("--db") { Description = "URL of a database with the schema, postgres://… (DATABASE_URL)" };
        var messages = new Option<int>("--messages")
        {
            Description = "How many messages to seed where there are none",
            DefaultValueFactory = _ => 1_000_000,
        };
        var rounds = new Option<int>("--rounds") { Description = "How often each", DefaultValueFactory = _ => 3 };
        var formats = new Option<string>("--formats")
        {
            Description = "Which formats",
            DefaultValueFactory = _ => "csv,jsonl,json,openai-jsonl,csv/chats",
        };
        var verb = new Command("exports", "Compare exports with COPY … TO STDOUT csv by psql, in one run")
        {
            db, messages, rounds, formats,
        };
        verb.SetAction((line, stop) => Verb.Run(async () =>
        {
            var url = line.Required(db, "DATABASE_URL");
            await using var source = NpgsqlDataSource.Create(
                new DatabaseSettings().CompleteForExports(DatabaseUrl.ToConnectionString("--db", url)));
            await ExportSeed.Run(source, line.GetValue(messages), stop);
            await Compare(source, url, line.GetRequiredValue(formats).Split(','), line.GetValue(rounds), stop);
            return Exit.Good;
        }));
        return verb;
    }

    private static async Task Compare(NpgsqlDataSource source, string url, string[] formats, int rounds, CancellationToken stop)
    {
        var writer = new ExportWriter(
            source,
            [new JsonFormat(), new JsonLinesFormat(), new CsvMessagesFormat(), new CsvChatsFormat(), new OpenAiFormat()],
            new ChatSearch(source, new SearchSettings()),
            new Engine(false));
        var ratios = formats.ToDictionary(format => format, _ => new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            var size = await Psql(url, stop);
            var copy = clock.Elapsed.TotalSeconds;
            // The first round warms up both.
            Print($"{(round == 0 ? "warm-up" : $"round {round}")}: COPY csv {copy:F2} s ({size / 1e6:F0} MB)");
            foreach (var format in formats)
            {
                var parts = format.Split('/');
                var request = new ExportRequest(ExportSeed.OrgId, parts[0], parts.ElementAtOrDefault(1), null, null, [], null, null);
                long bytes = 0;
                var allocated = GC.GetTotalAllocatedBytes();
                clock.Restart();
                await writer.Write(
                    request,
                    (block, _) =>
                    {
                        bytes += block.Length;
                        return ValueTask.CompletedTask;
                    },
                    (_, _) => { },
                    _ => { },
                    stop);
                var seconds = clock.Elapsed.TotalSeconds;
                if (round > 0)
                    ratios[format].Add(seconds / copy);
                var megabytes = (GC.GetTotalAllocatedBytes() - allocated) / 1e6;
                Print($"  {format} {seconds:F2} s ({bytes / 1e6:F0} MB), {seconds / copy:F2} of COPY, {megabytes:F1} MB allocated");
            }
        }
        foreach (var (format, values) in ratios)
            Print($"{format}: median {values.Order().ElementAt(values.Count / 2):F2} of COPY ({values.Min():F2} to {values.Max():F2})");
        using var self = Process.GetCurrentProcess();
        Print($"peak memory of this process {self.PeakWorkingSet64 / 1e6:F0} MB");
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    // The same rows, joins, order, snapshot and formula rule, as one would write them by hand.
    private static async Task<long> Psql(string url, CancellationToken stop)
    {
        static string Safe(string column) => $"case when {column} ~ '^[-=+@\\t\\r\\n＝＋－＠]' then '''' || {column} else {column} end";
        var copy = $"""
            copy (
                select c.id, {Safe("c.title")}, array_to_json(c.tags), c.user_id, {Safe("c.external_user_id")}, c.created_at, m.id, m.role,
                    {Safe("m.content")},
                       {Safe("m.model")}, m.latency_ms, m.token_count, m.prompt_tokens, m.completion_tokens, m.metadata, f.rating,
                           m.created_at
                from chats c
                join messages m on m.org_id = c.org_id and m.chat_id = c.id
                left join feedback f on f.org_id = m.org_id and f.target_id = m.id
                where c.org_id = '{ExportSeed.OrgId}' and c.deleted_at is null
                order by c.created_at, c.id, m.seq
            ) to stdout (format csv, header)
            """;
        string[] arguments = ["-qXd", url, "-c", "begin isolation level repeatable read", "-c", copy];
        using var psql = Process.Start(new ProcessStartInfo("psql", arguments)
        {
            RedirectStandardOutput = true,
        })!;
        var buffer = new byte[1 << 20];
        long size = 0;
        for (int read; (read = await psql.StandardOutput.BaseStream.ReadAsync(buffer, stop)) > 0;)
            size += read;
        await psql.WaitForExitAsync(stop);
        return psql.ExitCode == 0 ? size : throw new UsageException("psql failed; what it said stands above.");
    }
}

/// <summary>An organization to export, with conversations that are written as they happen: side by side.</summary>
internal static class ExportSeed
{
    private const int MessagesPerChat = 20;

    public static readonly Guid OrgId = Guid.Parse("00000000-0000-7000-8000-0000000be9c4");

    public static async Task Run(NpgsqlDataSource source, int messages, CancellationToken stop)
    {
        await using var connection = await source.OpenConnectionAsync(stop);
        if (await connection.ExecuteScalarAsync<bool>("select exists (select from messages where org_id = @OrgId)", new { OrgId }))
            return;
        await Console.Error.WriteLineAsync("Seeding…");
        await connection.ExecuteAsync(
            """
            insert into organizations (id, slug, name, created_at)
            values (@OrgId, 'bench-exports', 'Exports of the benchmark', now());

            insert into chats (org_id, id, title, tags, metadata, external_user_id, created_at, updated_at)
            select @OrgId, gen_random_uuid(), 'Chat no. ' || n, array['bench', 't' || n % 7], '{"page":"/help"}', 'visitor-' || n % 5000,
                at, at
            from (select n, '2026-01-01'::timestamptz + n * interval '61 s' as at from generate_series(1, @Chats) n) chat;

            insert into messages (org_id, chat_id, id, role, content, metadata, latency_ms, token_count, model, created_at)
            select org_id, id, gen_random_uuid(), case when m % 2 = 0 then 'user' else 'assistant' end,
                   'Message ' || m || ', says the caller: ' || repeat(
                       'it''s "quoted" text, with some words, ', ((hashtext(id::text) & 15) + m * 7) & 15),
                   '{"k":1}', case when m % 2 = 1 then 250 + m end, 17, case when m % 2 = 1 then 'gpt-5' end,
                       created_at + m * interval '2 s'
            from chats cross join generate_series(1, @MessagesPerChat) m
            where org_id = @OrgId
            order by created_at + m * interval '30 s';

            insert into feedback (org_id, target_id, chat_id, rating, at)
            select org_id, id, chat_id, case when seq % 4 = 0 then 'down' else 'up' end, created_at
            from messages
            where org_id = @OrgId and seq % 20 = 3;
            """,
            new { OrgId, Chats = Math.Max(1, messages / MessagesPerChat), MessagesPerChat },
            commandTimeout: 0);
        await connection.ExecuteAsync("vacuum analyze chats, messages, feedback", commandTimeout: 0);
    }
}
