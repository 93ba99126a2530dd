using Npgsql;

namespace ChatLogger.Chaos;

/// <summary>The database fails, recovers, or is locked: 503 in time, and no lasting effect.</summary>
public partial class UnavailableTests(DefaultDeadlineApp app) : IClassFixture<DefaultDeadlineApp>
{
    private static readonly object Message = new { role = "user", content = "a" };

    /// <summary>The service's pool.</summary>
    private NpgsqlDataSource Pool => (NpgsqlDataSource)app.Services.GetService(typeof(NpgsqlDataSource))!;

    [Fact]
    public async Task A_database_that_refuses_connections_is_a_503_until_it_accepts_them()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var member = await acme.Member("admin");
        var chat = await acme.Chat();
        var database = new NpgsqlConnectionStringBuilder(app.ConnectionString).Database;

        await Elsewhere($"alter database \"{database}\" with allow_connections false");
        await Elsewhere($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'");
        try
        {
            // The pool notices the killed connections one by one; then there is no server to connect to.
            for (var i = 0; i < 3; i++)
            {
                await IsUnavailable(() => plugin.Post($"{acme.ApiPath}/chats", "{}"));
                await IsUnavailable(() => plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", Message));
                await IsUnavailable(() => member.Caller.Get("/orgs/me/chats"));
                await IsUnavailable(() => member.Caller.Patch("/users/me", new { name = "new" }));
                await IsUnavailable(() => app.Stranger.Post("/auth/login", new { email = member.Email, password = Persona.Password }));
                await IsUnavailable(() => app.Stranger.Get("/healthz/ready"));
                (await app.Stranger.Get("/healthz/live")).Is(200);
            }
        }
        finally
        {
            await Elsewhere($"alter database \"{database}\" with allow_connections true");
            app.Rows.Clear();
        }

        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", Message)).Is(201);
        (await app.Stranger.Get("/healthz/ready")).Is(200);
        (await member.Caller.Get("/users/me")).Is(200);
        Assert.Equal(1, await acme.Count("chats"));
        Assert.Equal(1, await acme.Count("messages"));
        Assert.DoesNotContain(app.Log.All, line => line.Contains("failed unexpectedly", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Killed_connections_cost_a_few_503s_and_no_more()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => acme.Chat()));
        var database = new NpgsqlConnectionStringBuilder(app.ConnectionString).Database;

        await Elsewhere($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'");
        app.Rows.Clear();
        var statuses = new List<int>();
        for (var i = 0; i < 50; i++)
            statuses.Add((await plugin.Post($"{acme.ApiPath}/chats", "{}")).Status);

        Assert.All(statuses, status => Assert.True(status is 201 or 503));
        Assert.InRange(statuses.Count(status => status == 503), 0, 10);
        Assert.All(statuses.TakeLast(20), status => Assert.Equal(201, status));
        Assert.Equal(20 + statuses.Count(status => status == 201), await acme.Count("chats"));
        // In the pool for reads the first request that gets a dead connection clears the pool and retries.
        (await app.Stranger.Post("/auth/login", new { email = "nobody@acme.example", password = Persona.Password })).Is(401);
        await acme.Admin();
    }

    [Fact]
    public async Task Reads_succeed_after_connections_were_killed()
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var chat = await acme.Chat();
        var database = new NpgsqlConnectionStringBuilder(app.ConnectionString).Database;

        foreach (
            var path in new[]
            {
                "/users/me",
                $"/orgs/me/chats/{chat}",
                $"/orgs/me/chats/{chat}/messages",
                "/orgs/me/chats",
                "/analytics/orgs/me/summary",
            })
        {
            // The pool of each path has idle connections when they are killed.
            (await viewer.Get(path)).Is(200);
            await Elsewhere($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'");
            app.Rows.Clear();
            (await viewer.Get(path)).Is(200);
        }
    }

    [Fact]
    public async Task A_locked_table_is_a_503_only_for_the_requests_that_need_it()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var viewer = (await acme.Member("viewer")).Caller;
        var chat = await acme.Chat();
        await using (var blocker = await app.Rows.OpenConnectionAsync())
        await using (var transaction = await blocker.BeginTransactionAsync())
        {
            await new NpgsqlCommand("lock table messages in access exclusive mode", blocker, transaction).ExecuteNonQueryAsync();

            var waiting = Task.WhenAll(
                IsUnavailable(() => plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", Message)),
                IsUnavailable(() => viewer.Get($"/orgs/me/chats/{chat}/messages")),
                IsUnavailable(() => viewer.Get("/orgs/me/chats")));
            (await plugin.Post($"{acme.ApiPath}/chats", "{}")).Is(201);
            (await viewer.Get($"/orgs/me/chats/{chat}")).Is(200);
            await waiting;
        }

        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", Message)).Is(201);
        Assert.Equal(1, await acme.Count("messages"));
    }

    [Fact]
    public async Task A_cancelled_read_cancels_its_query()
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        await using var blocker = await app.Rows.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await new NpgsqlCommand("lock table feedback in access exclusive mode", blocker, transaction).ExecuteNonQueryAsync();
        // The rollups wait for the same lock, for longer: only the query of the list counts. PostgreSQL shows the first 1,023 bytes of it.
        Task<bool> Waits() =>
            app.Value<bool>(
                """
                select exists (
                    select
                    from pg_stat_activity
                    where datname = current_database()
                      and wait_event_type = 'Lock'
                      and query like 'select c.id, c.external_id,%f.rating%'
                      and pid <> pg_backend_pid())
                """);

        using var timeout = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/orgs/me/chats") { Headers = { { "Cookie", viewer.Credential } } };
        var reading = app.Http.SendAsync(request, timeout.Token);
        await Wait.Until(Waits);
        await timeout.CancelAsync();
        var pace = LoadAwareStopwatch.Start();
        await Wait.Until(async () => !await Waits());

        // Without the cancellation the query would wait for the lock for two seconds.
        await pace.Within(1.2);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    private async Task Elsewhere(string sql)
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(app.ConnectionString) { Database = "postgres", Pooling = false });
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task IsUnavailable(Func<Task<Answer>> ask)
    {
        var pace = LoadAwareStopwatch.Start();
        var answer = await ask();
        answer.IsSafeProblem(503, "unavailable");
        Assert.InRange(int.Parse(answer.Header("Retry-After")!, null), 1, 60);
        await pace.Within(5);
    }
}
