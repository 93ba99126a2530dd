using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>Rows of many requests share one commit, and a failure of one request does not affect the others.</summary>
public partial class GroupCommitTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task Every_request_gets_its_own_result_and_each_row_is_in_its_chat()
    {
        var orgs = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => app.Org($"org{i}")));
        var chats = await Task.WhenAll(orgs.Select(org => org.Chat()));

        await Task.WhenAll(Enumerable.Range(0, 400).Select(async i =>
        {
            var answer = await Say(orgs[i % 4], chats[i % 4], $"{i % 4} {i}");
            Assert.Equal((chats[i % 4], $"{i % 4} {i}"), (answer.Is(201).Text("chatId"), answer.Text("content")));
        }));

        for (var i = 0; i < 4; i++)
            Assert.Equal(
                100,
                await app.Value<long>(
                    $"select count(distinct content) from messages where org_id = @Id and content like '{i} %'",
                    new { orgs[i].Id }));
    }

    [Fact]
    public async Task A_row_that_the_database_refuses_is_refused_alone()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await app.Execute("alter table messages add constraint poison check (content <> 'poison')");
        try
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Say(acme, chat, i % 50 == 7 ? "poison" : $"{i}")));

            Assert.Equal(4, answers.Count(answer => answer.Status == 400));
            Assert.All(answers.Where(answer => answer.Status != 400), answer => answer.Is(201));
            answers.First(answer => answer.Status == 400).IsInvalid("body");
            Assert.Equal(196, await acme.Count("messages"));
        }
        finally
        {
            await app.Execute("alter table messages drop constraint poison");
        }
    }

    private async Task<NpgsqlConnection> Lock(string sql)
    {
        var connection = await app.Rows.OpenConnectionAsync();
        await new NpgsqlCommand($"begin; {sql}", connection).ExecuteNonQueryAsync();
        return connection;
    }

    private static async Task<Answer> Say(Org org, string chat, string content) =>
        await (await org.Plugin()).Post($"{org.ApiPath}/chats/{chat}/messages", new { role = "user", content });
}
