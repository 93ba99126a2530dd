namespace ChatLogger.Chaos;

public class FrozenDatabaseTests(OwnServerApp app) : IClassFixture<OwnServerApp>
{
    [Fact]
    public async Task A_server_whose_processes_are_all_stopped_is_a_503_within_five_seconds_on_every_pool()
    {
        var everything = await Requests.Of(app);
        await everything.AllWork();

        app.Server.Freeze(true);
        try
        {
            await everything.BackstagePoolsGiveUpInTime();
            await everything.AreRefusedInTime();
            await everything.AreRefusedInTime();
        }
        finally
        {
            app.Server.Freeze(false);
        }

        await everything.WorkAgain();
        Assert.Contains(app.Log.All, line => line.Contains("answered with 503: The database", StringComparison.Ordinal));
        Assert.DoesNotContain(
            app.Log.All,
            line => line.Contains("(null)", StringComparison.Ordinal) || line.Contains("503: ;", StringComparison.Ordinal));
    }
}
