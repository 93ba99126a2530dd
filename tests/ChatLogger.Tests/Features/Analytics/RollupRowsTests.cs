using ChatLogger.Rollups;
using FsCheck;
using FsCheck.Fluent;

namespace ChatLogger.Tests.Features.Analytics;

/// <summary>What a message writes does not depend on what the day holds.</summary>
public class RollupRowsTests(RollupApp app) : IClassFixture<RollupApp>
{
    private const int MaxRow = 1_024;

    [Fact]
    public void Changes_of_single_rows_add_up_to_the_bucket()
    {
        var part =
            from seed in Gen.Choose(0, int.MaxValue)
            from size in Gen.Elements(1, 3, 200)
            select Part(new Random(seed), size);
        Prop.ForAll(Gen.ListOf(part, 12).ToArbitrary(), parts => Check([.. parts])).Check(
            Config.QuickThrowOnFailure.WithMaxTest(TestLength.Cases(inShort: 20, inLong: 200)));
    }

    [Fact]
    public async Task A_message_in_a_day_of_many_people_changes_a_few_small_rows()
    {
        var acme = await app.Org("acme");
        await app.Execute(
            """
            with chat as (
                insert into chats (org_id, id, external_user_id, tags, created_at, updated_at)
                select @Id, gen_random_uuid(), 'person-' || n, array['vip'], date_trunc('day', now(), 'UTC'), now()
                from generate_series(1, 3000) n
                returning org_id, id, created_at
            )
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select org_id, id, gen_random_uuid(), 'user', 'x', created_at
            from chat
            """,
            new { acme.Id });
        await app.FoldAll(acme);
        var chat = await app.Value<Guid>("select id from chats where org_id = @Id order by id offset 1500 limit 1", new { acme.Id });
        var rows = await acme.Count("rollups");
        await app.Execute("create table rows_before as select * from rollups");

        await acme.Say(chat.ToString(), "x");
        await app.FoldAll(acme);

        // Of all chats and of those with the tag: the totals and the person of a quarter, an hour and a day.
        var changed = await app.Value<long>(
            """
            select count(*)
            from rollups r
            left join rows_before b using (org_id, tag, tier, start, first)
            where b.cells is distinct from r.cells
            """,
            new { });
        Assert.True(rows > 60, $"Only {rows} rows: the people do not fill several.");
        Assert.InRange(changed, 6, 16);
        Assert.InRange(await app.Value<int>("select max(octet_length(cells)) from rollups", new { }), 700, MaxRow);
    }

    private static void Check(RollupBucket[] parts)
    {
        var (rows, expected) = (new SortedDictionary<long, byte[]>(), new RollupBucket());
        foreach (var (part, isRemoved) in parts.Select(part => (part, false)).Concat(parts.Skip(1).Select(part => (part, true))))
        {
            var stored = new StoredBucket([.. rows.Keys], [part]);
            foreach (var first in stored.Needed)
                stored.Load(first, rows[first], start: 0);
            foreach (var bucket in (RollupBucket[])[stored.Bucket, expected])
            {
                if (isRemoved)
                    bucket.Remove(part, added: null);
                else
                    bucket.Add(part);
            }
            var (changed, gone) = stored.Changes(start: 0);
            gone.ForEach(first => rows.Remove(first));
            foreach (var (first, cells) in changed)
                rows[first] = cells;

            var whole = new RollupBucket();
            foreach (var cells in rows.Values)
                RollupCells.Read(cells, 0, whole.Counts, whole.Conversations, whole);
            Assert.Equal(Encoded(expected), Encoded(whole));
            Assert.All(rows.Values, cells => Assert.InRange(cells.Length, 1, MaxRow));
        }
    }

    private static byte[] Encoded(RollupBucket bucket) =>
        [.. RollupCells.Of(bucket, 0).Rows(0, long.MaxValue).SelectMany(row => row.Cells)];

    private static RollupBucket Part(Random random, int size)
    {
        var (part, chat) = (new RollupBucket(), Guid.NewGuid());
        for (var i = 0; i < size; i++)
        {
            part.Add(
                new AnalyticsEvent(
                    AnalyticsEventKind.Message, chat, random.Next(1_000_000), null, null, [], null, random.Next(6),
                    random.Next(2) == 0 ? null : random.Next(100_000), random.Next(1_000), 0, 0, 0, 0),
                new PersonKey(random.Next(3) == 0 ? random.Next(50) : 0, random.Next(10) == 0 ? 0 : random.Next(60_000)),
                [.. Enumerable.Range(0, random.Next(3)).Select(_ => random.Next(1, 500)).Distinct()],
                random.Next(4));
            part.Conversations.Add(new Conversation(
                random.Next(300), random.Next(2) == 0 ? null : random.Next(100_000), random.Next(100_000_000), random.Next(2), 0));
        }
        return part;
    }
}
