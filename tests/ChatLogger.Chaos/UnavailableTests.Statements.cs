using Npgsql;

namespace ChatLogger.Chaos;

public partial class UnavailableTests
{
    [Theory]
    [InlineData(
        "alter table chats add column extra_{0} text not null default 'x'; alter table messages add column extra_{0} text; alter table "
            + "users add column extra_{0} int; alter table api_keys add column extra_{0} int; alter table sessions add column extra_{0} "
            + "int; alter table organizations add column extra_{0} int"
    )]
    [InlineData("analyze (verbose false); select '{0}'")]
    public async Task An_additive_schema_change_does_not_break_prepared_statements(string change)
    {
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var chat = await acme.Chat();
        async Task Everything()
        {
            await acme.Say(chat, "a");
            await acme.Chat();
            (await viewer.Get("/orgs/me/chats")).Is(200);
            (await viewer.Get($"/orgs/me/chats/{chat}")).Is(200);
            (await viewer.Get($"/orgs/me/chats/{chat}/messages")).Is(200);
            (await viewer.Get("/users/me")).Is(200);
        }
        Pool.Clear();
        for (var i = 0; i < 6; i++)
            await Everything();
        Assert.True(await IsPrepared());

        // One at a time: several tables locked in one transaction deadlock with the statements of the service.
        foreach (var statement in string.Format(null, change, Guid.NewGuid().ToString("N")[..6]).Split("; "))
            await app.Execute(statement);

        for (var i = 0; i < 6; i++)
            await Everything();
        Assert.Equal(12, await acme.Count("messages"));
    }

    [Fact]
    public async Task Connections_that_were_reset_behind_our_back_prepare_again()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var admin = await acme.Admin();
        Pool.Clear();
        for (var i = 0; i < 12; i++)
        {
            await acme.Chat();
            (await admin.Post("/orgs/me/apikeys", new { label = "a" })).Is(201);
        }
        Assert.True(await IsPrepared());

        await Serving("discard all");
        (await admin.Post("/orgs/me/apikeys", new { label = "a" })).Is(201);
        await Serving("discard all");
        var statuses = new List<int>();
        for (var i = 0; i < 20; i++)
            statuses.Add((await plugin.Post($"{acme.ApiPath}/chats", "{}")).Status);

        Assert.All(statuses, status => Assert.Equal(201, status));
        Assert.Equal("UTC", await Serving("show timezone"));
    }

    /// <summary>Whether the service prepares its statements; otherwise the test would prove nothing.</summary>
    private async Task<bool> IsPrepared()
    {
        // One caller at a time uses one connection, unless the service does background work. The test checks all connections of the pool.
        var connections = new List<NpgsqlConnection>();
        try
        {
            for (var i = 0; i < 4; i++)
                connections.Add(await Pool.OpenConnectionAsync());
            foreach (var connection in connections)
            {
                await using var command = new NpgsqlCommand(
                    "select count(*) > 0 from pg_prepared_statements where statement like '%from sessions%'",
                    connection);
                if (await command.ExecuteScalarAsync() is true)
                    return true;
            }
            return false;
        }
        finally
        {
            foreach (var connection in connections)
                await connection.DisposeAsync();
        }
    }

    // On a connection of the service's own pool.
    private async Task<string?> Serving(string sql)
    {
        await using var connection = await Pool.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (await command.ExecuteScalarAsync())?.ToString();
    }
}
