using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

public class CreateChatTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_plugin_creates_a_chat_with_every_field()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("user");

        var answer = await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", new
        {
            title = "Where is my order?",
            tags = new[] { " billing ", "Übergröße" },
            metadata = new { page = "/checkout", depth = new { list = new object[] { 1, 2.50m, "three" } } },
            externalUserId = "v-17",
            userId = member.Id,
        });

        answer.Is(201);
        var id = answer.Text("id");
        Assert.Equal($"{acme.ApiPath}/chats/{id}", answer.Header("Location"));
        Assert.Equal(
            ["id", "externalId", "title", "tags", "metadata", "userId", "externalUserId", "createdAt", "updatedAt", "feedback"],
            answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal("Where is my order?", answer.Text("title"));
        Assert.Equal(["billing", "Übergröße"], answer["tags"].EnumerateArray().Select(tag => tag.GetString()!));
        Assert.Equal("""{"page":"/checkout","depth":{"list":[1,2.50,"three"]}}""", answer["metadata"].GetRawText());
        Assert.Equal(member.Id, answer["userId"].GetGuid());
        Assert.Equal("v-17", answer.Text("externalUserId"));
        Assert.Equal(answer.Text("createdAt"), answer.Text("updatedAt"));
        Assert.Matches("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$", answer.Text("createdAt"));
        Assert.Equal('7', id[14]);
        Assert.Equal(
            1,
            await app.Value<long>(
                "select count(*) from chats where org_id = @Id and id = @Chat::uuid and title = 'Where is my order?' and external_user_id "
                    + "= 'v-17'",
                new { acme.Id, Chat = id }));
    }

    [Fact]
    public async Task Everything_may_be_left_out_null_or_empty()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        foreach (
            var body in new[]
            {
                "{}",
                """{"title":null,"tags":null,"metadata":null,"externalUserId":null,"userId":null}""",
                """{"title":"","tags":[],"metadata":{},"externalUserId":""}""",
            })
        {
            var answer = (await plugin.Post($"{acme.ApiPath}/chats", body)).Is(201);
            Assert.Equal("null", answer["title"].GetRawText());
            Assert.Equal("[]", answer["tags"].GetRawText());
            Assert.Equal("{}", answer["metadata"].GetRawText());
            Assert.Equal("null", answer["userId"].GetRawText());
            Assert.Equal("null", answer["externalUserId"].GetRawText());
            Assert.Equal("null", answer["feedback"].GetRawText());
        }
        Assert.Equal(3, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_member_of_another_organization_does_not_exist()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var stranger = await globex.Member("user");
        var plugin = await acme.Plugin();

        var foreign = await plugin.Post($"{acme.ApiPath}/chats", new { userId = stranger.Id });
        var nobody = await plugin.Post($"{acme.ApiPath}/chats", new { userId = Guid.CreateVersion7() });

        Assert.Equal(nobody.IsProblem(404, "not-found").Comparable, foreign.IsProblem(404, "not-found").Comparable);
        Assert.Equal(0, await acme.Count("chats"));
        Assert.Equal(0, await globex.Count("chats"));
    }

    [Fact]
    public async Task The_organization_is_the_keys_and_the_slug_must_be_its_own()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var plugin = await acme.Plugin();

        var foreign = await plugin.Post($"{globex.ApiPath}/chats", new { });
        var unknown = await plugin.Post("/api/v1/orgs/no-such-org/chats", new { });

        Assert.Equal(unknown.IsProblem(404, "not-found").Comparable, foreign.IsProblem(404, "not-found").Comparable);
        Assert.Equal(0, await globex.Count("chats"));
    }

    [Theory]
    [InlineData("""{"title":1}""", "title")]
    [InlineData("""{"tags":"billing"}""", "tags")]
    [InlineData("""{"tags":[1]}""", "tags[0]")]
    [InlineData("""{"tags":["a",null]}""", "tags")]
    [InlineData("""{"tags":["a","  "]}""", "tags")]
    [InlineData("""{"tags":["a"," a "]}""", "tags")]
    [InlineData("""{"metadata":[]}""", "metadata")]
    [InlineData("""{"metadata":"{}"}""", "metadata")]
    [InlineData("""{"metadata":{"a":1,"\u0061":2}}""", "metadata")]
    [InlineData("""{"metadata":{"a":1e999}}""", "metadata")]
    [InlineData("""{"userId":"not an id"}""", "userId")]
    [InlineData("""{"userId":"0190A6E0-0000-7000-8000-000000000000"}""", "userId")]
    [InlineData("""{"userId":"{0190a6e0-0000-7000-8000-000000000000}"}""", "userId")]
    [InlineData("""{"title":"a","title":"b"}""", "title")]
    [InlineData("""{"titel":"a"}""", "body")]
    [InlineData("""{"Title":"a"}""", "body")]
    [InlineData("[]", "body")]
    [InlineData("null", "body")]
    [InlineData("", "body")]
    [InlineData("{", "body")]
    [InlineData("""{"title":"a",}""", "body")]
    [InlineData("""{"title":"a"} x""", "body")]
    [InlineData("""{/**/}""", "body")]
    public async Task Invalid_input_is_refused_and_writes_no_row(string body, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", body)).IsInvalid(path);

        Assert.Equal(0, await acme.Count("chats"));
    }

    [Fact]
    public async Task Limits_count_characters_not_units_and_hold_to_the_last_one()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        string Emoji(int count) => string.Concat(Enumerable.Repeat("😀", count));

        (await plugin.Post($"{acme.ApiPath}/chats", new { title = Emoji(200) })).Is(201);
        (await plugin.Post($"{acme.ApiPath}/chats", new { title = Emoji(201) })).IsInvalid("title");
        (await plugin.Post($"{acme.ApiPath}/chats", new { externalUserId = Emoji(128) })).Is(201);
        (await plugin.Post($"{acme.ApiPath}/chats", new { externalUserId = Emoji(129) })).IsInvalid("externalUserId");
        (await plugin.Post($"{acme.ApiPath}/chats", new { tags = Enumerable.Range(0, 20).Select(i => $"{i:D2}{Emoji(62)}") })).Is(201);
        (await plugin.Post($"{acme.ApiPath}/chats", new { tags = new[] { Emoji(65) } })).IsInvalid("tags");
        (await plugin.Post($"{acme.ApiPath}/chats", new { tags = Enumerable.Range(0, 21).Select(i => $"{i}") })).IsInvalid("tags");
        Assert.Equal(3, await acme.Count("chats"));
    }
}
