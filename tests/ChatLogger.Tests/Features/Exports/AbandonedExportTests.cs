using Npgsql;

namespace ChatLogger.Tests.Features.Exports;

public class AbandonedExportTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task A_cancelled_request_leaves_no_running_query_and_a_working_pool()
    {
        var acme = await app.Org("acme");
        await acme.InsertMessages(await acme.InsertChat(), 100, 200_000);
        for (var i = 0; i < 6; i++)
        {
            using var stop = new CancellationTokenSource();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                Exported.Of(
                    app,
                    Exported.Request(acme, "csv"),
                    exported => exported.Blocks.Count == 3 ? stop.CancelAsync() : Task.CompletedTask,
                    stop.Token));
            Assert.Equal(0, await app.ActiveCopies());
        }

        Assert.Equal(100, (await Exported.Of(acme, "csv")).Rows.Count);
    }

    [Fact]
    public async Task A_sink_that_fails_fails_the_export_and_leaves_no_query_behind()
    {
        var acme = await app.Org("acme");
        await acme.InsertMessages(await acme.InsertChat(), 100, 200_000);
        for (var i = 0; i < 6; i++)
        {
            var failure = await Assert.ThrowsAsync<IOException>(() =>
                Exported.Of(app, Exported.Request(acme, "csv"), _ => throw new IOException("full")));
            Assert.Equal("full", failure.Message);
            Assert.Equal(0, await app.ActiveCopies());
        }

        Assert.Equal(100, (await Exported.Of(acme, "csv")).Rows.Count);
    }

    [Fact]
    public async Task Cancelling_also_ends_a_query_that_has_not_answered_yet()
    {
        var acme = await app.Org("acme");
        await acme.InsertChat();
        await using var locker = await app.Rows.OpenConnectionAsync();
        await using var transaction = await locker.BeginTransactionAsync();
        await using (var command = new NpgsqlCommand("lock table feedback in access exclusive mode", locker, transaction))
            await command.ExecuteNonQueryAsync();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Exported.Of(app, Exported.Request(acme, "json"), null, stop.Token));

        // There is no response yet to cancel: the server itself must notice that the client has disconnected.
        await Wait.Until(async () => await app.ActiveCopies() == 0);
        await transaction.RollbackAsync();
        Assert.Equal(1, (await Exported.Of(acme, "json")).Json.GetArrayLength());
    }
}
