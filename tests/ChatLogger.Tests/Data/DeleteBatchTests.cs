using ChatLogger.Data;
using ChatLogger.Tests.Contracts;
using ChatLogger.Tests.Features.Organizations;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Data;

public class DeleteBatchTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public void A_batch_is_of_one_organization() => Assert.Empty(TenantStatement.Forgotten(DeleteBatch.Of("messages"), ["messages"]));

    /// <summary>A join would compare each row of the batch with all rows of the organization.</summary>
    [SingleServerFact]
    public async Task A_batch_of_a_table_that_the_planner_believes_to_be_nearly_empty_is_deleted_without_a_join()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        await acme.Fill();
        await globex.Fill();
        await app.Execute("analyze messages");
        await app.Execute(
            """
            insert into messages (org_id, chat_id, seq, id, role, content, created_at)
            select org_id, id, nextval('organization_log_seq'), gen_random_uuid(), 'user', 'Hello', now()
            from chats, generate_series(1, 1000)
            where org_id = @Id
            """,
            new { acme.Id });
        var before = (await acme.Count("messages"), await globex.Count("messages"));
        var statement = DeleteBatch.Of("messages", "order by id").Replace("@BatchRows", "500", StringComparison.Ordinal);

        var plan = await app.Value<string>($"explain (format json) {statement}", new { OrgId = acme.Id });
        await app.Execute(statement, new { OrgId = acme.Id });

        Assert.Contains("messages", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Nested Loop", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Join", plan, StringComparison.Ordinal);
        Assert.Equal((before.Item1 - 500, before.Item2), (await acme.Count("messages"), await globex.Count("messages")));
    }
}
