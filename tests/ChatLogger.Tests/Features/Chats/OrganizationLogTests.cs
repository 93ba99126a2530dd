using System.Collections.Concurrent;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

/// <summary>
/// The numbers of an organization's log are committed in their order: no change appears below a number that was seen, and a consumer gets
/// each change once.
/// </summary>
public partial class OrganizationLogTests(App app) : IClassFixture<App>
{
    private OrganizationLog Log => app.Services.GetRequiredService<OrganizationLog>();

    [Theory]
    [InlineData("chats")]
    [InlineData("messages")]
    [InlineData("feedback")]
    [InlineData("batch")]
    [InlineData("change")]
    [InlineData("delete")]
    public async Task What_waits_for_the_lock_of_the_log_gets_a_greater_number_than_what_holds_it(string what)
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var (plugin, admin) = (await acme.Plugin(), await acme.Admin());
        await using var holder = await app.Rows.OpenConnectionAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await Hold(holder, acme);

        var writing = what switch
        {
            "chats" => plugin.Post($"{acme.ApiPath}/chats", new { }),
            "messages" => plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "x" }),
            "feedback" => plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "up" }),
            "batch" => plugin.Post(
                $"{acme.ApiPath}/batch",
                new { items = new[] { new { type = "message", chatId = chat, role = "user", content = "x" } } }),
            "change" => plugin.Patch($"{acme.ApiPath}/chats/{chat}", new { title = "x" }),
            _ => admin.Delete($"/orgs/me/chats/{chat}"),
        };
        await app.Blocked();
        Assert.False(writing.IsCompleted);
        await using var insert = new NpgsqlCommand(
            "insert into messages (org_id, chat_id, id, role, content, created_at) "
                + "values ($1, $2, gen_random_uuid(), 'user', 'first', now()) returning seq",
            holder);
        insert.Parameters.Add(new() { Value = acme.Id });
        insert.Parameters.Add(new() { Value = Guid.Parse(chat) });
        var first = (long)(await insert.ExecuteScalarAsync())!;
        await transaction.CommitAsync();

        Assert.InRange((await writing).Status, 200, 207);
        Assert.True(await Log.HeadOf(acme.Id, default) > first);
    }

    [Fact]
    public async Task A_reader_that_sees_a_number_sees_everything_before_it()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();
        using var over = new CancellationTokenSource();
        // Counts the rows up to the greatest number in one snapshot, at that time and again at the end.
        var seen = new ConcurrentDictionary<(long Head, long Count), bool>();
        Caller[] plugins = [app.Stranger.WithKey(key), other.Stranger.WithKey(key)];

        async Task Write(int writer)
        {
            var plugin = plugins[writer % 2];
            for (var i = 0; i < 25; i++)
            {
                var chat = (await plugin.Post($"{acme.ApiPath}/chats", new { })).Is(201)["id"].GetString();
                await Task.WhenAll(
                    plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "x" }),
                    plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating = "up" }),
                    plugin.Post(
                        $"{acme.ApiPath}/batch",
                        new
                        {
                            items = Enumerable.Range(0, 5).Select(
                                n => new { type = "message", chatId = chat, role = "user", content = $"{n}" }),
                        }),
                    globex.Chat());
            }
        }

        async Task Read()
        {
            while (!over.IsCancellationRequested)
            {
                var (head, count) = await app.Services.GetRequiredService<NpgsqlDataSource>().InSnapshotAsync(
                    async snapshot =>
                    {
                        var head = await OrganizationLog.HeadOf(snapshot, acme.Id);
                        return (head, await snapshot.QuerySingleOrDefaultAsync<long>(Rows, new { acme.Id, head }));
                    },
                    default);
                seen.TryAdd((head, count), true);
            }
        }

        var reading = Task.WhenAll(Task.Run(Read), Task.Run(Read));
        await Task.WhenAll(Enumerable.Range(0, 6).Select(writer => Task.Run(() => Write(writer))));
        await over.CancelAsync();
        await reading;
        await other.Stop();

        Assert.Equal(6 * 25 * 8, await app.Value<long>(Rows, new { acme.Id, head = long.MaxValue }));
        Assert.True(seen.Count > 20, "The readers came too late for the test to mean anything.");
        foreach (var (head, count) in seen.Keys)
            Assert.Equal((head, await app.Value<long>(Rows, new { acme.Id, head })), (head, count));
    }

    [Fact]
    public async Task A_log_that_was_not_created_with_its_organization_is_created_by_the_first_write()
    {
        foreach (var write in new[] { "chats", "change" })
        {
            var acme = await app.Org("acme");
            var chat = await acme.Chat();
            var plugin = await acme.Plugin();
            await app.Execute("delete from organization_log where org_id = @Id", new { acme.Id });

            var answer = write == "chats"
                ? await plugin.Post($"{acme.ApiPath}/chats", new { })
                : await plugin.Patch($"{acme.ApiPath}/chats/{chat}", new { title = "x" });

            Assert.InRange(answer.Status, 200, 201);
            Assert.Equal(1, await app.Value<long>("select count(*) from organization_log where org_id = @Id", new { acme.Id }));
        }
    }

    [Fact]
    public async Task Nothing_is_written_to_a_closed_log()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var (plugin, admin) = (await acme.Plugin(), await acme.Admin());
        var before = await Log.HeadOf(acme.Id, default);
        // The requests that follow are as if they had been admitted before the organization was deleted.
        await Log.Close(acme.Id, default);

        (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "user", content = "x" })).IsProblem(404, "not-found");
        (await admin.Delete($"/orgs/me/chats/{chat}")).IsProblem(404, "not-found");

        Assert.Equal(before, await Log.HeadOf(acme.Id, default));
    }

    private const string Rows =
        """
        select (select count(*) from messages where org_id = @Id and seq <= @head)
             + (select count(*) from chats where org_id = @Id and seq <= @head)
             + (select count(*) from feedback where org_id = @Id and seq <= @head)
        """;

    private static async Task Hold(NpgsqlConnection connection, Org org)
    {
        await using var take = new NpgsqlCommand("select from organization_log where org_id = $1 for no key update", connection);
        take.Parameters.Add(new() { Value = org.Id });
        await take.ExecuteNonQueryAsync();
    }
}
