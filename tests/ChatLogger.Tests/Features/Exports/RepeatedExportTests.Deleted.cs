namespace ChatLogger.Tests.Features.Exports;

public partial class RepeatedExportTests
{
    [Fact]
    public async Task The_key_of_a_deleted_export_is_404_and_expires_after_a_day()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var first = (await Ask(admin, "k")).Is(202).Text("id");

        await app.Execute("delete from exports where org_id = @Id", new { acme.Id });
        if (CitusCluster.IsGiven)
        {
            // There the key is stored before its export, which a retry makes if the service was killed in between.
            Assert.Equal(first, (await Ask(admin, "k")).Is(202).Text("id"));
            await app.Execute("delete from exports where org_id = @Id", new { acme.Id });
        }
        else
        {
            (await Ask(admin, "k")).IsProblem(404, "not-found");
            Assert.Equal(0, await acme.Count("exports"));
        }

        await app.Execute("update idempotency_keys set created_at = @Before where org_id = @Id", new
        {
            acme.Id,
            Before = DateTime.UtcNow.AddHours(-24),
        });
        var second = (await Ask(admin, "k", """{"format":"csv","mode":"async"}""")).Is(202);
        Assert.Null(second.Header("Idempotent-Replayed"));
        Assert.NotEqual(first, second.Text("id"));
        Assert.Equal(1, await acme.Count("idempotency_keys"));
    }
}
