using ChatLogger.Bench.Chaos;
using ChatLogger.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace ChatLogger.Chaos;

/// <summary>The service on a PostgreSQL of its own, which a test may stop.</summary>
public class OwnServerApp : DefaultDeadlineApp
{
    private DirectoryInfo? _directory;

    internal Postgres Server { get; private set; } = null!;

    public override async Task DisposeAsync()
    {
        Server.Freeze(false);
        await base.DisposeAsync();
        await Server.Kill();
        _directory!.Delete(recursive: true);
    }

    protected override async Task<string> NewDatabase()
    {
        _directory = Directory.CreateTempSubdirectory("chatlogger-silent-");
        // PostgreSQL's account must be able to pass.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_directory.FullName, (UnixFileMode)0b111_101_101);
        Server = await Postgres.Create(_directory.FullName);
        var database = Postgres.ConnectionString(Server.Port);
        await new Migrator(database, NullLogger.Instance).Run(CancellationToken.None);
        return database;
    }

    protected override Task DropDatabase() => Task.CompletedTask;

    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["RateLimits:Enabled"] = "false" });
}
