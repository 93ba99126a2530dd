using System.Text;
using ChatLogger.Bench;
using ChatLogger.Bench.Http;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Bench;

/// <summary>Conversations that go in through the plugin API come out of the dashboard API unchanged.</summary>
public class RealServiceTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    private const string Conversations =
        """
        {"conversationId":"a","vertical":"Coffee","scenario":"Größe & \"Quotes\" 😀","messages":[{"role":"user","content":"Hi \u00a0\r\n"},{"role":"assistant","content":"=1+1","metadata":{"n":[1,1.0,1e308,-0.0,12345678901234567890],"z":null,"a":{"\u00e9":"\ud83d\ude00"}}},{"role":"tool","content":"{}"}]}
        {"conversationId":"b","messages":[]}
        {"conversationId":"c","scenario":"","messages":[{"role":"system","content":"x"},{"role":"user","content":"same"},{"role":"user","content":"same"}]}
        """;

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(100)]
    public async Task A_file_is_logged_whole_and_read_back_equal(int batch)
    {
        var acme = await app.Org("acme");
        var admin = await acme.Member("admin");
        await acme.Chat();

        var sent = await new Loader(app.Http, acme.Slug, await acme.Key(), 3, batch: batch).Load(
            File(Conversations),
            null,
            CancellationToken.None);
        var client = await DashboardClient.LogIn(app.Http, admin.Email, Persona.Password, new RetryPolicy(TimeProvider.System));
        var kept = await new Verifier(client).Verify(File(Conversations));

        Assert.True(sent.AllAcknowledged);
        Assert.True(kept.Equal, string.Join('\n', kept.Differences));
        Assert.Equal(4, await acme.Count("chats"));
        Assert.Equal(6, await acme.Count("messages"));

        await app.Execute(
            "update messages set content = 'sane' where org_id = @Id and seq = (select max(seq) from messages where org_id = @Id and "
                + "content = 'same')",
            new { acme.Id });
        Assert.False((await new Verifier(client).Verify(File(Conversations))).Equal);
    }

    private static ConversationFile File(string text) => new(new MemoryStream(Encoding.UTF8.GetBytes(text)));
}
