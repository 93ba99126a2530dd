using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Features;
using Dapper;
using MediatR;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ChatLogger.Testing;

/// <summary>
/// The whole service on a real Kestrel and a database of its own, in Production's settings; one for each test class (<c>IClassFixture</c>).
/// A test creates its own organizations and truncates nothing.
/// </summary>
public class App : IAsyncLifetime
{
    private WebApplication? _app;
    private string? _database;
    private NpgsqlDataSource? _rows;

    /// <summary>A client without cookies, redirects and defaults, to see the responses as the service sent them.</summary>
    internal HttpClient Http { get; private set; } = null!;

    internal Clock Clock { get; private set; } = new();

    internal LogLines Log { get; private set; } = new();

    internal IServiceProvider Services => _app!.Services;

    internal Uri Address => Http.BaseAddress!;

    /// <summary>Connects to the service's database directly.</summary>
    internal NpgsqlDataSource Rows => _rows!;

    internal string ConnectionString => _database!;

    /// <summary>A minute: a busy machine is no reason for a 503.</summary>
    private protected virtual string DatabaseDeadline => "00:01:00";

    private protected bool HasStopped { get; private set; }

    /// <summary>A client without any credential.</summary>
    internal Caller Stranger => new(Http);

    public virtual Task InitializeAsync() => Start();

    private protected async Task Start()
    {
        _database ??= await NewDatabase();
        _rows = Pools.CreatePlain(_database);
        _app = Application.Build([], builder =>
        {
            builder.Environment.EnvironmentName = Environments.Production;
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["urls"] = "http://127.0.0.1:0",
                ["ConnectionStrings:ChatLogger"] = _database,
                ["Session:Secret"] = "not a secret, but thirty-two bytes and more",
                ["Telemetry:MetricsToken"] = Persona.OperatorToken,
                // No load balancer needs time to notice here.
                ["Shutdown:DrainDelay"] = "00:00:00",
                ["Server:DatabaseDeadline"] = DatabaseDeadline,
            });
            builder.Services.AddSingleton<TimeProvider>(Clock);
            // The lowest cost of bcrypt: these tests do not measure how long it takes.
            builder.Services.AddSingleton<IPasswordHasher>(new Bcrypt(4));
            Customize(builder);
        });
        _app.Services.GetRequiredService<ILoggerFactory>().AddProvider(Log);
        await _app.Services.GetRequiredService<Database>().Open(CancellationToken.None);
        await _app.StartAsync();
        Http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(_app.Urls.First()),
        };
    }

    public virtual async Task DisposeAsync()
    {
        await Stop();
        await DropDatabase();
    }

    /// <summary>Another instance of the service on the same database; the caller stops it.</summary>
    internal async Task<App> AnotherInstance()
    {
        var other = (App)Activator.CreateInstance(GetType())!;
        other._database = _database;
        await other.Start();
        return other;
    }

    /// <summary>Takes over the started service of another class.</summary>
    private protected void TakeOver(App other) =>
        (_app, _database, _rows, Http, Clock, Log) = (other._app, other._database, other._rows, other.Http, other.Clock, other.Log);

    internal async Task Stop()
    {
        HasStopped = true;
        Http.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        await _rows!.DisposeAsync();
    }

    /// <summary>A new organization with a slug of its own that begins with <paramref name="name"/>.</summary>
    internal async Task<Org> Org(string name)
    {
        var slug = $"{name}-{Guid.NewGuid().ToString("N")[..8]}";
        var organization = await Send(new CreateOrganization.Command(slug, name, null, Persona.Operator));
        return new Org(this, organization.Id, slug);
    }

    /// <summary>A superadmin, logged in.</summary>
    internal async Task<Caller> Superadmin()
    {
        var email = $"root-{Guid.NewGuid():N}@chatlogger.example";
        await Send(new CreateMember.Command(null, email, null, MemberRole.Superadmin, Persona.Password, Persona.Operator));
        return await LogIn(email);
    }

    internal async Task<Caller> LogIn(string email, string password = Persona.Password)
    {
        var answer = await Stranger.Post("/auth/login", new { email, password });
        answer.Is(200);
        return Stranger.WithCookie(answer.Header("Set-Cookie")!.Split(';')[0]);
    }

    internal Task<T> Send<T>(IRequest<T> command) => Services.GetRequiredService<ISender>().Send(command);

    /// <summary>Reads one value directly from the database.</summary>
    internal async Task<T?> Value<T>(string sql, object? parameters = null)
    {
        await using var connection = await Rows.OpenConnectionAsync();
        return await connection.ExecuteScalarAsync<T>(sql, parameters);
    }

    internal async Task<int> Execute(string sql, object? parameters = null)
    {
        await using var connection = await Rows.OpenConnectionAsync();
        return await connection.ExecuteAsync(sql, parameters);
    }

    /// <summary>
    /// The assignment that moves a time of a row back. It does not depend on the session's time zone, as <c>timestamptz - interval</c>
    /// does, which Citus refuses.
    /// </summary>
    internal static string Earlier(string column, string interval) =>
        $"{column} = ({column} at time zone 'UTC' - interval '{interval}') at time zone 'UTC'";

    /// <summary>Waits until the database says so.</summary>
    internal Task Until(string sql, object? parameters = null) => Wait.Until(() => Value<bool>(sql, parameters), sql);

    /// <summary>Waits until so many messages are taken by this instance and not written.</summary>
    internal Task Queued(int messages) => Wait.Until(() => Services.GetRequiredService<QueueCapacities>().Messages.Rows == messages);

    /// <summary>Waits until so many statements wait for a lock.</summary>
    internal Task Blocked(int statements = 1) => Wait.Until(async () => await Waiting() >= statements);

    /// <summary>How many statements wait for a lock.</summary>
    internal Task<long> Waiting() =>
        OnNodes("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");

    /// <summary>The sum of a number that a statement about the server returns, over all nodes where the database is distributed.</summary>
    internal Task<long> OnNodes(string sql) => Value<long>(
        CitusCluster.IsGiven ? $"select sum(result::bigint)::bigint from run_command_on_all_nodes($sql${sql}$sql$)" : sql);

    /// <summary>
    /// Ends the sessions of the service and of the tests, and waits until they have ended, on all nodes: then, at the latest, PostgreSQL
    /// counts what they have read.
    /// </summary>
    internal async Task EndSessions()
    {
        var sessions = await Value<int[]>(
            """
            select coalesce(array_agg(pid), '{}')
            from pg_stat_activity
            where datname = current_database()
              and pid <> pg_backend_pid()
              and backend_type = 'client backend'
              and application_name not like 'citus%'
            """);
        // On a worker the name of a session ends in the number of the one on the coordinator.
        var names = CitusCluster.IsGiven
            ? await Value<string>(
                """
                select string_agg(quote_literal('citus_internal gpid=' || citus_calculate_gpid(citus_coordinator_nodeid(), pid)), ', ')
                from unnest(@sessions) pid
                """,
                new { sessions })
            : null;
        var database = Services.GetRequiredService<Database>();
        foreach (var pool in new[] { database.Source, database.Analytics, database.Exports, database.Plugins, database.Writing, Rows })
            pool.Clear();
        await Until("select not exists (select from pg_stat_activity where pid = any(@sessions))", new { sessions });
        if (names is not null)
        {
            await Wait.Until(
                async () => await OnNodes($"select count(*) from pg_stat_activity where application_name in ({names})") == 0,
                "the sessions on the workers have ended");
        }
    }

    /// <summary>An empty database with the schema; its connection string.</summary>
    protected virtual Task<string> NewDatabase() => TestServer.NewDatabase();

    protected virtual Task DropDatabase() => TestServer.Drop(_database!);

    /// <summary>Changes the settings and services for a class of tests.</summary>
    protected virtual void Customize(WebApplicationBuilder builder)
    {
    }
}
