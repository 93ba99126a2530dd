namespace ChatLogger.Chaos;

/// <summary>The database accepts connections and does not answer: every request is answered in time, and the service recovers.</summary>
public class SilentDatabaseTests(ProxiedDatabaseApp app) : IClassFixture<ProxiedDatabaseApp>
{
    [Fact]
    public async Task A_host_that_has_gone_silent_is_a_503_within_five_seconds_on_every_pool()
    {
        var everything = await Requests.Of(app);
        await everything.AllWork();

        app.Proxy.HoldEverything();
        await everything.BackstagePoolsGiveUpInTime();
        await everything.AreRefusedInTime();
        // Now there is no open connection: connecting itself hangs.
        await everything.AreRefusedInTime();
        app.Proxy.Release();

        await everything.WorkAgain();
    }

    [Fact]
    public async Task A_host_that_comes_back_with_new_connections_is_used_within_ten_seconds()
    {
        var everything = await Requests.Of(app);
        await everything.AllWork();

        app.Proxy.HoldEverything();
        await everything.AreRefusedInTime();
        // The old connections stay silent; new ones work.
        app.Proxy.AbandonConnections();
        app.Proxy.Release();

        await everything.WorkAgain();
    }
}
