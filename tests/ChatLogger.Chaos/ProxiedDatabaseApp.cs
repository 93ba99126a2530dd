using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Chaos;

/// <summary>The service with a proxy between it and its database.</summary>
public class ProxiedDatabaseApp : DefaultDeadlineApp
{
    internal TcpProxy Proxy { get; private set; } = null!;

    /// <summary>The service's pools, except those that write chats and messages.</summary>
    internal List<NpgsqlDataSource> Pools =>
        [Services.GetRequiredService<NpgsqlDataSource>(), Services.GetRequiredKeyedService<NpgsqlDataSource>("plugins")];

    public override async Task DisposeAsync()
    {
        Proxy.Release();
        await base.DisposeAsync();
        await Proxy.DisposeAsync();
    }

    protected override void Customize(WebApplicationBuilder builder)
    {
        Proxy = new TcpProxy(ConnectionString);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["ConnectionStrings:ChatLogger"] = Proxy.ConnectionString, ["RateLimits:Enabled"] = "false" }
        );
    }
}
