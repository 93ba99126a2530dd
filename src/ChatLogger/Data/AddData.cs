using Npgsql;

namespace ChatLogger.Data;

internal static class DataSetup
{
    /// <summary>
    /// Adds the database with its pools: the common one without a key, the others under the names of <see cref="Pools"/>.
    /// </summary>
    public static void AddData(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton(DatabaseSettings.Read(builder.Configuration, builder.Environment));
        services.AddSingleton<Database>();
        services.AddSingleton<NpgsqlDataSource>(provider => provider.GetRequiredService<Database>().Source);
        AddPool(services, Pools.Analytics, database => database.Analytics);
        AddPool(services, Pools.Exports, database => database.Exports);
        AddPool(services, Pools.Plugins, database => database.Plugins);
        AddPool(services, Pools.Writing, database => database.Writing);
        services.AddSingleton(provider => provider.GetRequiredService<Database>().Engine);
        services.AddSingleton<IdGenerator>();
    }

    private static void AddPool(IServiceCollection services, string name, Func<Database, NpgsqlDataSource> of) =>
        services.AddKeyedSingleton<NpgsqlDataSource>(name, (provider, _) => of(provider.GetRequiredService<Database>()));
}
