using DotNet.Testcontainers.Builders;
using Testcontainers.PostgreSql;

namespace ChatLogger.Testing;

/// <summary>A PostgreSQL in a container of its own, for machines that have an engine and no binaries.</summary>
internal static class DockerPostgres
{
    /// <summary>Its connection string; null when there is no engine.</summary>
    public static async Task<string?> Start()
    {
        try
        {
            var container = new PostgreSqlBuilder("postgres:18")
                .WithDatabase("postgres")
                .WithUsername("postgres")
                .WithCommand("-c", "fsync=off", "-c", "max_connections=300")
                .Build();
            await container.StartAsync();
            AppDomain.CurrentDomain.ProcessExit += (_, _) => container.DisposeAsync().AsTask().Wait();
            return container.GetConnectionString();
        }
        catch (DockerUnavailableException)
        {
            return null;
        }
    }
}
