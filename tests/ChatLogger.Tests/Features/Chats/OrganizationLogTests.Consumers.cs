using System.Collections.Concurrent;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

public partial class OrganizationLogTests
{
    [Fact]
    public async Task Each_change_is_consumed_once_by_one_of_the_instances()
    {
        var acme = await app.Org("acme");
        var other = await app.AnotherInstance();
        var followed = new ConcurrentBag<long>();
        FeedConsumer[] consumers = [Follow(app, "twice", followed), Follow(other, "twice", followed)];
        var chat = await acme.Chat();

        for (var i = 0; i < 20; i++)
        {
            await acme.Say(chat, $"{i}");
            await Task.WhenAll(consumers.Select(consumer => consumer.Run(default)));
        }
        // What only the other instance wrote, without a record in this one.
        var key = (await acme.Plugin()).Credential!;
        (await other.Stranger.WithKey(key).Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "x" })).Is(201);
        await consumers[0].CatchUp(default);
        var arrived = await acme.Seqs();
        await consumers[0].Run(default);
        await other.Stop();

        Assert.Equal(22, arrived.Count);
        Assert.Equal(arrived, followed.Where(arrived.Contains).Order());
        Assert.Equal(
            arrived[^1],
            await app.Value<long>("select seq from followers where org_id = @Id and follower = 'twice'", new { acme.Id }));
    }

    [Fact]
    public async Task The_work_of_a_consumer_is_rolled_back_together_with_its_offset()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(), "x");
        var followed = new ConcurrentBag<long>();
        var consumer = Follow(app, "failing", followed);
        consumer.Fails = acme.Id;
        await consumer.Run(default);
        Assert.Null(await app.Value<string>("select title from chats where org_id = @Id", new { acme.Id }));
        Assert.Equal(
            0,
            await app.Value<long>("select count(*) from followers where org_id = @Id and follower = 'failing'", new { acme.Id }));

        consumer.Fails = null;
        await consumer.Run(default);

        Assert.Equal("followed", await app.Value<string>("select title from chats where org_id = @Id", new { acme.Id }));
    }

    private static TestConsumer Follow(App app, string name, ConcurrentBag<long> followed) =>
        new(
            name,
            app.Services.GetRequiredService<NpgsqlDataSource>(),
            app.Services.GetRequiredService<OrganizationLog>(),
            app.Services.GetRequiredService<IngestActivity>(),
            followed);

    private sealed class TestConsumer(
        string name,
        NpgsqlDataSource db,
        OrganizationLog organizationLog,
        IngestActivity activity,
        ConcurrentBag<long> followed)
        : FeedConsumer(
            name,
            db,
            organizationLog,
            new FeedSettings { BatchRows = 3, YieldFactor = 0 },
            activity,
            TimeProvider.System,
            NullLogger.Instance)
    {
        public Guid? Fails { get; set; }

        protected override async Task<long> Consume(Sql.Transaction transaction, Guid orgId, long seq, long head)
        {
            await transaction.ExecuteAsync("update chats set title = 'followed' where org_id = @OrgId", new { OrgId = orgId });
            if (Fails == orgId)
                throw new InvalidOperationException("As it was told.");
            var piece = await transaction.QueryAsync<long>(
                """
                select seq from messages where org_id = @OrgId and seq > @Seq and seq <= @Head
                union all
                select seq from chats where org_id = @OrgId and seq > @Seq and seq <= @Head
                order by seq
                limit 3
                """,
                new { OrgId = orgId, Seq = seq, Head = head });
            transaction.AfterCommit(() =>
            {
                foreach (var each in piece)
                    followed.Add(each);
            });
            return piece.Count < 3 ? head : piece[^1];
        }
    }
}
