using ChatLogger.ExportJobs;
using ChatLogger.Http;

namespace ChatLogger.Tests.Features.Exports;

public partial class ExportQueueTests
{
    [Fact]
    public async Task The_eleventh_waiting_export_is_refused()
    {
        var acme = await app.Org("acme");
        var instance = app.Instance();
        for (var count = 0; count < 10; count++)
            await instance.Ask(acme);

        var refused = await Assert.ThrowsAsync<ProblemException>(() => instance.Ask(acme));

        Assert.Equal(ProblemType.ExportQueueFull, refused.Type);
        await instance.Ask(await app.Org("globex"));
        Assert.True(
            await instance.Queue.Cancel(acme.Id, (await instance.Queue.List(acme.Id, null, 1, Always))[0].Id, Persona.Operator, Always));
        await instance.Ask(acme);
        Assert.Equal(11, await acme.Count("exports"));
    }

    [Fact]
    public async Task The_twenty_first_export_of_an_hour_is_refused_with_the_time_of_the_next()
    {
        var acme = await app.Org("acme");
        var instance = app.Instance();
        for (var count = 0; count < 20; count++)
            await instance.Queue.Cancel(acme.Id, (await instance.Ask(acme)).Id, Persona.Operator, Always);
        await app.Execute(
            """
            update exports
            set created_at = created_at - interval '50 minutes'
            where id = (select id from exports where org_id = @Id order by created_at limit 1)
            """,
            new { acme.Id });

        var refused = await Assert.ThrowsAsync<ProblemException>(() => instance.Ask(acme));

        Assert.Equal(ProblemType.Throttled, refused.Type);
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        app.Clock.Advance(refused.RetryAfter.Value);
        await instance.Ask(acme);
        await Assert.ThrowsAsync<ProblemException>(() => instance.Ask(acme));
    }

    [Fact]
    public async Task The_limits_hold_however_many_ask_at_once_on_two_instances()
    {
        var acme = await app.Org("acme");
        Instance[] instances = [app.Instance(), app.Instance()];

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 24).Select(index => Record.ExceptionAsync(() => instances[index % 2].Ask(acme))));

        Assert.Equal(10, answers.Count(answer => answer is null));
        Assert.All(
            answers.OfType<Exception>(),
            answer => Assert.Equal(ProblemType.ExportQueueFull, Assert.IsType<ProblemException>(answer).Type));
        Assert.Equal(10, await acme.Count("exports"));
    }

    [Fact]
    public async Task No_more_than_two_of_an_organization_run_however_many_claim_at_once()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        Instance[] instances = [app.Instance(), app.Instance()];
        for (var count = 0; count < 6; count++)
        {
            await instances[0].Ask(acme);
            await instances[1].Ask(globex);
        }

        var leases = await Task.WhenAll(Enumerable.Range(0, 16).Select(index => instances[index % 2].Leases.Claim(Always)));
        var more = new[] { await instances[0].Leases.Claim(Always), await instances[1].Leases.Claim(Always) };

        var held = leases.Concat(more).OfType<ExportLease>().ToList();
        Assert.Equal(2, held.Count(lease => lease.OrgId == acme.Id));
        Assert.Equal(2, held.Count(lease => lease.OrgId == globex.Id));
        Assert.Equal(4, held.Select(lease => lease.ExportId).Distinct().Count());
        Assert.Null(await instances[0].Leases.Claim(Always));
    }

    [Fact]
    public async Task An_organization_with_fewer_running_comes_first_and_then_the_oldest()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var instance = app.Instance();
        var asked = new List<Export>();
        foreach (var org in new[] { acme, acme, acme, globex, globex })
        {
            asked.Add(await instance.Ask(org));
            await Task.Delay(2);
        }

        var claimed = new List<Guid>();
        for (var count = 0; count < 4; count++)
            claimed.Add((await instance.Leases.Claim(Always))!.ExportId);

        Assert.Equal([asked[0].Id, asked[3].Id, asked[1].Id, asked[4].Id], claimed);
        Assert.Null(await instance.Leases.Claim(Always));
    }
}
