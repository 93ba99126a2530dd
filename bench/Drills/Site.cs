using System.Globalization;
using System.Security.Cryptography;
using ChatLogger.Auth;

namespace ChatLogger.Bench.Drills;

/// <summary>
/// Where the drill takes place: a PostgreSQL, the service as a process, and a relay before each, all of its own and in one directory. The database's relay
/// is only in the way of a drill that needs it, for a server that is down refuses connections otherwise than a relay does.
/// </summary>
internal sealed class Site : IAsyncDisposable
{
    public const string Slug = "drill";
    public const string Email = "drill@operator.example";

    private readonly string program;
    private readonly string directory;
    private readonly bool relayed;

    private Site(string program, string directory, bool relayed, Postgres postgres)
    {
        (this.program, this.directory, this.relayed, Postgres) = (program, directory, relayed, postgres);
        Database.Target = postgres.Port;
    }

    public string Key { get; } = ApiKey.Generate().Text;

    public string Password { get; } = RandomNumberGenerator.GetHexString(24);

    public Postgres Postgres { get; }

    public Instance Service { get; private set; } = null!;

    /// <summary>Between plugins and service.</summary>
    public Relay Door { get; } = new();

    /// <summary>Between service and PostgreSQL.</summary>
    public Relay Database { get; } = new();

    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Door.Port}/"));

    public static async Task<Site> Open(string program, string directory, bool relayed)
    {
        var site = new Site(program, directory, relayed, await Postgres.Create(directory));
        try
        {
            await site.StartService();
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
        Service = await Instance.Start(program, directory, new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ConnectionStrings__ChatLogger"] = Drills.Postgres.ConnectionString(relayed ? Database.Port : Postgres.Port),
            ["DataDirectory"] = Path.Combine(directory, "data"),
            ["Session__Secret"] = Password + Password,
            ["Bootstrap__SuperAdmin__Email"] = Email,
            ["Bootstrap__SuperAdmin__Password"] = Password,
            ["Bootstrap__Organization__Slug"] = Slug,
            ["Bootstrap__Organization__Name"] = "The drill",
            ["Bootstrap__ApiKey__Key"] = Key,
            // All writers share one key, and come back after a fault all at once: a 429 would only tell that they do.
            ["RateLimits__Ingest__PerSecond"] = "100000",
            ["RateLimits__Ingest__Burst"] = "100000",
        });
        Door.Target = Service.Port;
    }

    public async Task KillService()
    {
        Door.Target = 0;
        await Service.Kill();
        await Service.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Service is { } service)
            await service.DisposeAsync();
        await Postgres.Kill();
        await Door.DisposeAsync();
        await Database.DisposeAsync();
    }
}
