using System.Globalization;
using System.Security.Cryptography;
using ChatLogger.Auth;
using ChatLogger.Bench.Http;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// The environment of the drill: a PostgreSQL, the service as a process, and a TCP proxy before each, in one directory. The database's
/// proxy is only there for a fault that needs it, because a stopped server refuses connections differently from a proxy.
/// </summary>
internal sealed class TestEnvironment : IAsyncDisposable
{
    public const string Slug = "drill";
    public const string Email = "drill@operator.example";

    private readonly string program;
    private readonly string directory;
    private readonly bool relayed;
    private readonly IReadOnlyDictionary<string, string> environment;

    private TestEnvironment(
        string program,
        string directory,
        bool relayed,
        IReadOnlyDictionary<string, string> environment,
        Postgres postgres,
        Pooler? pooler,
        CitusNodes? nodes)
    {
        (this.program, this.directory, this.relayed, this.environment, Postgres, Pooler, Nodes) = (
            program,
            directory,
            relayed,
            environment,
            postgres,
            pooler,
            nodes);
        Database.Target = postgres.Port;
        if (pooler is not null)
            pooler.Target = Behind;
    }

    // Behind the proxy or pooler in front of it.
    private int Behind => relayed ? Database.Port : Postgres.Port;

    /// <summary>For what a fault needs.</summary>
    public string Directory => directory;

    /// <summary>Between service and PostgreSQL, if it is there.</summary>
    public Pooler? Pooler { get; }

    /// <summary>The workers, if PostgreSQL is a Citus cluster.</summary>
    public CitusNodes? Nodes { get; }

    public string Key { get; } = ApiKey.Generate().Text;

    public string Password { get; } = RandomNumberGenerator.GetHexString(24);

    public Postgres Postgres { get; }

    public Instance Service { get; private set; } = null!;

    /// <summary>Between plugins and service.</summary>
    public TcpProxy ServiceProxy { get; } = new();

    /// <summary>Between service and PostgreSQL.</summary>
    public TcpProxy Database { get; } = new();

    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ServiceProxy.Port}/"));

    public static async Task<TestEnvironment> Open(
        string program,
        string directory,
        bool relayed,
        bool pooled,
        bool clustered,
        IReadOnlyDictionary<string, string> environment)
    {
        var postgres = await Postgres.Create(directory, settings: clustered ? CitusNodes.Settings : "");
        var site = new TestEnvironment(
            program,
            directory,
            relayed,
            environment,
            postgres,
            pooled ? new Pooler(postgres, directory) : null,
            clustered ? await CitusNodes.Join(postgres, directory) : null);
        try
        {
            if (site.Pooler is { } pooler)
                await pooler.Start();
            await site.StartService();
            if (site.Nodes is { } nodes)
            {
                await site.StopService();
                await nodes.Distribute();
                await site.StartService();
            }
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    public async Task StartService()
    {
        Service = await Launch(and: []);
        ServiceProxy.Target = Service.Port;
    }

    /// <summary>Another instance besides the one that serves; it listens when this returns.</summary>
    public async Task<Instance> Launch(params (string Name, string Value)[] and)
    {
        var instance = LaunchIn("drill", and);
        try
        {
            await instance.Listens();
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }

    /// <summary>The instance that serves from now on.</summary>
    public void Serves(Instance instance)
    {
        Service = instance;
        ServiceProxy.Target = instance.Port;
    }

    /// <summary>An instance that is about to start on this database.</summary>
    public Instance LaunchIn(string database, params (string Name, string Value)[] and)
    {
        var settings = new Dictionary<string, string>(environment)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ConnectionStrings__ChatLogger"] = Chaos.Postgres.ConnectionString(Pooler?.Port ?? Behind, database),
            ["ConnectionStrings__Migrations"] = Chaos.Postgres.ConnectionString(Postgres.Port, database),
            ["Database__TransactionPooler"] = Pooler is null ? "false" : "true",
            ["DataDirectory"] = Path.Combine(directory, "data"),
            ["Session__Secret"] = Password + Password,
            ["Bootstrap__SuperAdmin__Email"] = Email,
            ["Bootstrap__SuperAdmin__Password"] = Password,
            ["Bootstrap__Organization__Slug"] = Slug,
            ["Bootstrap__Organization__Name"] = "The drill",
            ["Bootstrap__ApiKey__Key"] = Key,
            // All writers share one key, and all return at once after a fault: without a higher limit they would only get 429.
            ["RateLimits__Ingest__PerSecond"] = "100000",
            ["RateLimits__Ingest__Burst"] = "100000",
            // In more than one step, so that it can be cut off, and without long pauses; and to a receiver on this machine.
            ["Erasure__BatchChats"] = "20",
            ["Erasure__Interval"] = "00:00:00.500",
            ["Purge__Interval"] = "00:00:00.500",
            ["Webhooks__AllowPrivateTargets"] = "true",
            ["Webhooks__Timeout"] = "00:00:01",
            ["Webhooks__Lease"] = "00:00:03",
            ["Exports__Lease"] = "00:00:06",
            ["Exports__Heartbeat"] = "00:00:01.5",
        };
        foreach (var (name, value) in and)
            settings[name] = value;
        return Instance.Launch(program, directory, settings);
    }

    /// <summary>A client of the service, not through the proxy, whose connections the plugins have.</summary>
    public HttpClient Connect() => new()
    {
        BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Service.Port}/")),
    };

    /// <summary>Logs the administrator in.</summary>
    public Task<DashboardClient> LogIn(HttpClient http) =>
        DashboardClient.LogIn(http, Email, Password, new RetryPolicy(TimeProvider.System));

    private async Task StopService()
    {
        ServiceProxy.Target = 0;
        await Service.Terminate(TimeSpan.FromSeconds(60));
        await Service.DisposeAsync();
    }

    public async Task KillService()
    {
        ServiceProxy.Target = 0;
        await Service.Kill();
        await Service.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Service is { } service)
            await service.DisposeAsync();
        if (Pooler is { } pooler)
            await pooler.Kill();
        await Postgres.Kill();
        if (Nodes is { } nodes)
            await nodes.Kill();
        await ServiceProxy.DisposeAsync();
        await Database.DisposeAsync();
    }
}
