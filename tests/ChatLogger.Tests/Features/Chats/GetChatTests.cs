using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Chats;

public class GetChatTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData("viewer")]
    [InlineData("admin")]
    public async Task Members_who_may_read_the_organization_read_a_chat_as_it_was_created(string role)
    {
        var acme = await app.Org("acme");
        var opened = await (await acme.Plugin()).Post(
            $"{acme.ApiPath}/chats", """{"title":"t","tags":["x"],"metadata":{"z":1,"a":[1.0,1e2]},"externalUserId":"v-1"}""");

        var read = await (await acme.Member(role)).Caller.Get($"/orgs/me/chats/{opened.Text("id")}");

        Assert.Equal(opened.Body, read.Is(200).Body);
        Assert.Equal("no-store", read.Header("Cache-Control"));
    }

    [Fact]
    public async Task A_user_reads_only_their_own()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("user");
        var bob = await acme.Member("user");
        var hers = await acme.Chat(new { userId = ann.Id });

        (await ann.Caller.Get($"/orgs/me/chats/{hers}")).Is(200);
        var his = await bob.Caller.Get($"/orgs/me/chats/{hers}");
        var none = await bob.Caller.Get($"/orgs/me/chats/{Guid.CreateVersion7()}");
        Assert.Equal(none.IsProblem(404, "not-found").Comparable, his.IsProblem(404, "not-found").Comparable);
    }

    [Fact]
    public async Task A_chat_of_another_organization_does_not_exist()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var theirs = await globex.Chat();
        var admin = await acme.Admin();

        var none = (await admin.Get($"/orgs/me/chats/{Guid.CreateVersion7()}")).IsProblem(404, "not-found");
        foreach (
            var id in new[]
            {
                theirs,
                theirs.ToUpperInvariant(),
                $"{{{theirs}}}",
                "x",
                "0",
                theirs.Replace("-", "", StringComparison.Ordinal),
            })
            Assert.Equal(none.Comparable, (await admin.Get($"/orgs/me/chats/{id}")).IsProblem(404, "not-found").Comparable);
        (await admin.Get($"/orgs/{globex.Slug}/chats/{theirs}")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task A_superadmin_reads_by_slug_and_has_no_organization_of_their_own()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var chat = await acme.Chat();
        var root = await app.Superadmin();

        (await root.Get($"/orgs/{acme.Slug}/chats/{chat}")).Is(200);
        (await root.Get($"/orgs/me/chats/{chat}")).IsProblem(409, "no-organization");
        (await root.Get($"/orgs/{globex.Slug}/chats/{chat}")).IsProblem(404, "not-found");
        (await root.Get($"/orgs/no-such-org/chats/{chat}")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task A_member_may_use_the_slug_of_their_own_organization_only()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var viewer = (await acme.Member("viewer")).Caller;

        (await viewer.Get($"/orgs/{acme.Slug}/chats")).Is(200);
        var foreign = await viewer.Get($"/orgs/{globex.Slug}/chats");
        var unknown = await viewer.Get("/orgs/no-such-org/chats");
        Assert.Equal(unknown.IsProblem(404, "not-found").Comparable, foreign.IsProblem(404, "not-found").Comparable);
    }

    [Fact]
    public async Task A_key_or_no_credential_is_refused_by_the_dashboard_API()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();

        (await app.Stranger.Get($"/orgs/me/chats/{chat}")).IsProblem(401, "unauthenticated");
        (await (await acme.Plugin()).Get($"/orgs/me/chats/{chat}")).IsProblem(401, "unauthenticated");
    }
}
