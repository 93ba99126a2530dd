using ChatLogger.Data;
using ChatLogger.Features;
using Npgsql;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace ChatLogger.Tests.Features.Organizations;

public partial class PurgeOrganizationsTests
{
    [Fact]
    public async Task An_interrupted_purge_continues_where_it_stopped()
    {
        var acme = await app.Org("acme");
        await acme.Fill(messages: 800);
        await Delete(acme);
        using var cut = new CancellationTokenSource();
        var pieces = 0;
        var knife = Substitute.For<IOrganizationPurger>();
        knife.Purge(acme.Id, Arg.Any<CancellationToken>()).Returns(async _ =>
        {
            if (await acme.Count("messages") is > 0 and < 1600 && ++pieces == 2)
                await cut.CancelAsync();
            return false;
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => app.Purge([knife, .. app.Kept]).Run(cut.Token));

        Assert.InRange(await acme.Count("messages"), 1, 1599);
        Assert.Equal(2, await acme.Count("chats"));
        Assert.False(await app.IsPurged(acme));
        await app.Purge().Run(CancellationToken.None);
        Assert.Equal(0, await acme.Count("chats"));
        Assert.True(await app.IsPurged(acme));
    }

    [Fact]
    public async Task Four_concurrent_purges_do_not_block_each_other()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await acme.Fill(messages: 2000);
        await globex.Fill();
        await Delete(acme);
        var before = await Snapshot(globex);
        var logged = app.Log.All.Count;

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => app.Purge().Run(CancellationToken.None))));

        foreach (var table in Removed)
            Assert.Equal((table, 0), (table, await acme.Count(table)));
        Assert.True(await app.IsPurged(acme));
        Assert.Equal(before, await Snapshot(globex));
        Assert.DoesNotContain(app.Log.All.Skip(logged), line => line.Contains("cannot be purged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failure_of_one_organization_does_not_block_others_and_is_retried()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await acme.Fill();
        await globex.Fill();
        await Delete(acme);
        await Delete(globex);
        var broken = Substitute.For<IOrganizationPurger>();
        broken.Purge(acme.Id, Arg.Any<CancellationToken>()).ThrowsAsync(new IOException("The disk is gone."));

        await app.Purge([broken, .. app.Kept]).Run(CancellationToken.None);

        Assert.False(await app.IsPurged(acme));
        Assert.Equal(2, await acme.Count("chats"));
        Assert.True(await app.IsPurged(globex));
        Assert.Contains(
            app.Log.All,
            line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains(acme.Id.ToString(), StringComparison.Ordinal));
        await app.Purge().Run(CancellationToken.None);
        Assert.True(await app.IsPurged(acme));
    }

    [Fact]
    public async Task It_continues_after_a_database_outage()
    {
        await using var away = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=nobody;Timeout=1");
        using var purge = new PeriodicJobs([app.Purge(db: away, settings: new PurgeSettings { Interval = TimeSpan.FromMilliseconds(10) })]);

        await purge.StartAsync(CancellationToken.None);
        await Wait.Until(
            () => app.Log.All.Count(line => line.Contains("Deleted organizations cannot be listed", StringComparison.Ordinal)) >= 2,
            "It did not try again.");

        Assert.False(purge.ExecuteTask!.IsCompleted);
        await purge.StopAsync(CancellationToken.None);
    }
}
