using System.Collections.Concurrent;
using ChatLogger.ChangeFeed;
using ChatLogger.Http;
using ChatLogger.LiveEvents;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ChatLogger.Tests.Features.Live;

/// <summary>How streams end, and what they cost.</summary>
public sealed class LiveStreamsTests(LiveApp app) : IClassFixture<LiveApp>
{
    [Theory]
    [InlineData("logged out")]
    [InlineData("whose session is ended")]
    [InlineData("whose session expires")]
    [InlineData("disabled")]
    [InlineData("promoted")]
    [InlineData("removed")]
    [InlineData("of a deleted organization")]
    public async Task A_stream_ends_within_five_seconds_for_a_member_who_is(string ended)
    {
        var acme = await app.Org("acme");
        var (admin, member, colleague) = (await acme.Admin(), await acme.Member("viewer"), await acme.Member("viewer"));
        using var follower = await LiveReader.Open(app.Address, member.Caller);
        using var others = await LiveReader.Open(app.Address, colleague.Caller);
        using var stopwatch = LoadAwareStopwatch.Start();

        switch (ended)
        {
            case "logged out":
                (await member.Caller.Post("/auth/logout")).Is(204);
                break;
            case "whose session is ended":
                var id = (await member.Caller.Get("/users/me/sessions"))["items"][0].GetProperty("id").GetString();
                (await (await app.LogIn(member.Email)).Delete($"/users/me/sessions/{id}")).Is(204);
                break;
            case "whose session expires":
                await app.Execute(
                    "update sessions set created_at = now() - interval '1 day', expires_at = now() - interval '1 hour' where user_id = @Id",
                    new { member.Id });
                break;
            case "disabled":
                (await admin.Patch($"/orgs/me/users/{member.Id}", new { disabled = true })).Is(200);
                break;
            case "promoted":
                (await admin.Patch($"/orgs/me/users/{member.Id}", new { role = "user" })).Is(200);
                break;
            case "removed":
                (await admin.Delete($"/orgs/me/users/{member.Id}")).Is(204);
                break;
            default:
                (await (await app.Superadmin()).Delete($"/orgs/{acme.Slug}")).Is(202);
                break;
        }

        Assert.Null(await follower.NextOrEnd());
        await stopwatch.Within(5);
        if (ended == "of a deleted organization")
        {
            Assert.Null(await others.NextOrEnd());
            return;
        }
        var chat = await acme.Chat();
        Assert.Equal(("chat.created", chat, null), (await others.Next()).What);
    }

    [Fact]
    public async Task A_stream_ends_at_once_when_the_service_stops()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var other = await app.AnotherInstance();
        using var follower = await LiveReader.Open(other.Address, admin);
        // What is being sent when the service stops is cut off: here it is the first comment, of two lines and an empty one.
        for (var line = 0; line < 3; line++)
            await follower.Line();
        using var stopwatch = LoadAwareStopwatch.Start();

        var stopping = other.Stop();
        Assert.Null(await follower.NextOrEnd());
        await stopping;

        await stopwatch.Within(10);
    }

    [Fact]
    public async Task The_sixth_stream_of_a_member_is_refused_until_another_ends()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var open = new List<LiveReader>();
        for (var i = 0; i < 5; i++)
            open.Add(await LiveReader.Open(app.Address, admin));

        var refused = (await admin.Get("/orgs/me/live")).IsProblem(429, "throttled");
        Assert.Equal("5", refused.Header("Retry-After"));
        (await (await acme.Admin()).Get("/orgs/me/live")).Is(200);
        (await admin.Get("/orgs/me/chats")).Is(200);

        open[0].Dispose();
        await Wait.Until(async () => (await admin.Get("/orgs/me/live")).Status == 200, "A stream can be opened again.");
        open.ForEach(each => each.Dispose());
    }

    [Fact]
    public async Task An_instance_serves_a_limited_number()
    {
        using var hub = Hub(app.Services.GetRequiredService<NpgsqlDataSource>(), new LiveSettings { Streams = 1 });
        var acme = await app.Org("acme");
        using var stream = await hub.Open(Listener(acme), null, CancellationToken.None);

        var refusal = await Assert.ThrowsAsync<ProblemException>(() => hub.Open(Listener(acme), null, CancellationToken.None));

        Assert.Equal((ProblemType.Throttled, TimeSpan.FromSeconds(15)), (refusal.Type, refusal.RetryAfter));
        stream.Dispose();
        stream.Dispose();
        Assert.Equal(0, hub.Streams);
        using var next = await hub.Open(Listener(acme), null, CancellationToken.None);
    }

    [Fact]
    public async Task Nothing_is_asked_while_nobody_follows_and_one_query_serves_all_who_do()
    {
        using var log = new CommandLog();
        using var logs = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(log));
        var builder = new NpgsqlDataSourceBuilder(app.ConnectionString);
        builder.UseLoggerFactory(logs);
        await using var db = builder.Build();
        using var hub = Hub(db, new LiveSettings { PollInterval = TimeSpan.FromMilliseconds(50) });
        var acme = await app.Org("acme");
        using var witness = await LiveReader.Open(app.Address, await acme.Admin());
        var owner = await acme.Member("admin");
        var session = await app.Value<Guid>("select id from sessions where user_id = @Id", new { owner.Id });
        await hub.StartAsync(CancellationToken.None);

        await acme.Chat();
        await witness.Next();
        Assert.Empty(log.Commands);

        var streams = new List<LiveStream>();
        for (var i = 0; i < 5; i++)
            streams.Add(await hub.Open(new LiveListener(session, owner.Id, "admin", acme.Id, null), null, CancellationToken.None));
        await acme.Chat();
        foreach (var stream in streams)
            await Wait.Until(() => stream.Take().Events.Count == 1);
        Assert.Single(log.Commands, sql => sql.Contains("'message.created'", StringComparison.Ordinal));

        streams.ForEach(stream => stream.Dispose());
        // A round that had begun before ends meanwhile.
        await acme.Chat();
        await witness.Next();
        await witness.Next();
        var before = log.Commands.Count;
        await acme.Chat();
        await witness.Next();
        Assert.Equal(before, log.Commands.Count);
        await hub.StopAsync(CancellationToken.None);
    }

    [Fact]
    public void A_follower_who_does_not_keep_up_is_told_to_read_everything_anew()
    {
        using var stream = new LiveStream(Listener(null), _ => { });
        stream.Begin(10);
        stream.Add(Events(5, 2_000), 2_004);
        // A round is told again.
        stream.Add(Events(5, 2_000), 2_004);
        var (resetAt, events, _) = stream.Take();
        Assert.Null(resetAt);
        Assert.Equal(Enumerable.Range(11, 1_994).Select(seq => (long)seq), events.Select(each => each.Seq));

        stream.Add(Events(2_005, LiveStream.MaxPending), 4_004);
        Assert.Null(stream.Take().ResetAt);

        stream.Add(Events(4_005, LiveStream.MaxPending + 1), 6_005);
        stream.Add(Events(6_006, 2), 6_007);
        (resetAt, events, var position) = stream.Take();
        Assert.Equal(6_005, resetAt);
        Assert.Equal([6_006, 6_007], events.Select(each => each.Seq));
        Assert.Equal(6_007, position);
        Assert.Empty(stream.Take().Events);
    }

    [Fact]
    public async Task Changes_of_chats_are_kept_for_three_quarters_of_an_hour()
    {
        var acme = await app.Org("acme");
        await app.Execute(
            """
            insert into organization_events (org_id, chat_id, deleted, at)
            select @Id, gen_random_uuid(), true, now() - n * interval '1 minute'
            from unnest(array[44, 51, 90]) n
            """,
            new { acme.Id });
        var cleanup = app.Services.GetRequiredService<OrganizationEventsCleanup>();
        await app.Execute(
            "insert into followers (org_id, follower, seq) select @Id, 'behind', min(seq) from organization_events where org_id = @Id",
            new { acme.Id });
        await cleanup.Run(CancellationToken.None);
        // The consumer is past one that may be forgotten, or past none.
        Assert.InRange(await acme.Count("organization_events"), 2, 3);
        await app.Execute("update followers set seq = @seq where org_id = @Id", new { acme.Id, seq = long.MaxValue });

        await cleanup.Run(CancellationToken.None);

        Assert.Equal(1, await acme.Count("organization_events"));
    }

    private static List<LiveEvent> Events(long first, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new LiveEvent(first + i, null, []))];

    private static LiveListener Listener(Org? org) =>
        new(Guid.CreateVersion7(), Guid.CreateVersion7(), "admin", org?.Id ?? Guid.Empty, null);

    private LiveHub Hub(NpgsqlDataSource db, LiveSettings settings) => new(
        new OrganizationLog(db), new LiveQueries(db, app.Clock), settings, app.Clock,
        app.Services.GetRequiredService<IHostApplicationLifetime>(), app.Services.GetRequiredService<ILogger<LiveHub>>());

    /// <summary>Collects the statements of a data source.</summary>
    private sealed class CommandLog : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _commands = new();

        public ConcurrentQueue<string> Commands => _commands;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = formatter(state, exception);
            if (line.StartsWith("Command execution completed", StringComparison.Ordinal))
                _commands.Enqueue(line);
        }

        public void Dispose()
        {
        }
    }
}
