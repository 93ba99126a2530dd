using System.Text.Json;

namespace ChatLogger.Tests.Features.Organizations;

/// <summary>POST and GET /orgs.</summary>
public class CreateOrganizationTests(OrganizationsApp app) : IClassFixture<OrganizationsApp>
{
    [Fact]
    public async Task A_superadmin_makes_an_organization_and_acts_in_it_at_once()
    {
        var root = await app.Superadmin();
        var slug = NewSlug();

        var answer = (await root.Post("/orgs", new { slug, name = "Initech", settings = new { timeZone = "America/Chicago" } })).Is(201);

        Assert.Equal(["id", "slug", "name", "settings", "createdAt"], answer.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal($"/orgs/{slug}", answer.Header("Location"));
        Assert.Equal(answer.Body, (await root.Get($"/orgs/{slug}")).Is(200).Body);
        Assert.Equal(
            """{"timeZone":"America/Chicago","retentionDays":null,"redaction":{"kinds":[],"patterns":[],"metadata":false},"prices":{}}""",
            answer["settings"].GetRawText());
        Assert.Equal(
            "Initech America/Chicago",
            await app.Value<string>("select name || ' ' || time_zone from organizations where slug = @slug", new { slug }));
        Assert.Equal(
            "superadmin organization.created",
            await app.Value<string>(
                "select actor_type || ' ' || action from audit_events where org_id = @Id::uuid",
                new { Id = answer.Text("id") }));
        (await root.Get($"/orgs/{slug}/chats")).Is(200);
        (await root.Post($"/orgs/{slug}/apikeys", new { label = "first" })).Is(201);
    }

    [Theory]
    [InlineData("""{"slug":"SLUG","name":"Initech"}""")]
    [InlineData("""{"slug":"SLUG","name":"Initech","settings":null}""")]
    [InlineData("""{"slug":"SLUG","name":"Initech","settings":{}}""")]
    [InlineData("""{"slug":"SLUG","name":"Initech","settings":{"timeZone":null}}""")]
    [InlineData("""{"slug":"SLUG","name":"Initech","settings":{"timeZone":""}}""")]
    public async Task Without_a_time_zone_it_is_UTC(string body) =>
        Assert.Equal(
            """{"timeZone":"UTC","retentionDays":null,"redaction":{"kinds":[],"patterns":[],"metadata":false},"prices":{}}""",
            (await (await app.Superadmin()).Post("/orgs", body.Replace("SLUG", NewSlug(), StringComparison.Ordinal)))
                .Is(201)["settings"]
                .GetRawText());

    [Theory]
    [InlineData("""{"name":"a"}""", "slug")]
    [InlineData("""{"slug":"me","name":"a"}""", "slug")]
    [InlineData("""{"slug":"-abc","name":"a"}""", "slug")]
    [InlineData("""{"slug":"abc-","name":"a"}""", "slug")]
    [InlineData("""{"slug":"Abc","name":"a"}""", "slug")]
    [InlineData("""{"slug":"abc\n","name":"a"}""", "slug")]
    [InlineData("""{"slug":"äbc","name":"a"}""", "slug")]
    [InlineData("""{"slug":"a123456789012345678901234567890123456789012345678901234567890123","name":"a"}""", "slug")]
    [InlineData("""{"slug":"refused-one"}""", "name")]
    [InlineData("""{"slug":"refused-one","name":""}""", "name")]
    [InlineData("""{"slug":"refused-one","name":"a\u0000"}""", "name")]
    [InlineData("""{"slug":"refused-one","name":"a","settings":{"timeZone":"Local"}}""", "settings.timeZone")]
    [InlineData("""{"slug":"refused-one","name":"a","id":"0197a000-0000-7000-8000-000000000000"}""", "body")]
    public async Task Invalid_input_is_refused_and_creates_nothing(string body, string path)
    {
        var root = await app.Superadmin();
        var before = await app.Value<long>("select count(*) from organizations");

        (await root.Post("/orgs", body)).IsInvalid(path);

        Assert.Equal(before, await app.Value<long>("select count(*) from organizations"));
    }

    [Fact]
    public async Task A_slug_is_given_once_also_when_all_ask_at_the_same_time()
    {
        var root = await app.Superadmin();
        var slug = NewSlug();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => root.Post("/orgs", new { slug, name = $"{i}" })));

        Assert.Single(answers, answer => answer.Status == 201);
        Assert.All(answers.Where(answer => answer.Status != 201), answer => answer.IsProblem(409, "slug-taken"));
        Assert.Equal(1, await app.Value<long>("select count(*) from organizations where slug = @slug", new { slug }));
        Assert.Equal(
            1,
            await app.Value<long>(
                "select count(*) from audit_events e join organizations o on o.id = e.org_id where slug = @slug and action = "
                    + "'organization.created'",
                new { slug }));
    }

    [Fact]
    public async Task The_list_is_of_all_that_are_not_deleted_newest_first_in_pages()
    {
        var root = await app.Superadmin();
        var made = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            made.Add((await root.Post("/orgs", new { slug = NewSlug(), name = $"{i}" })).Is(201).Text("slug"));
            await Task.Delay(2);
        }
        (await root.Delete($"/orgs/{made[1]}")).Is(202);
        made.RemoveAt(1);

        var first = (await root.Get("/orgs?limit=2")).Is(200);
        // Newer ones come in front, and move nothing behind.
        (await root.Post("/orgs", new { slug = NewSlug(), name = "late" })).Is(201);
        var second = (await root.Get($"/orgs?limit=2&cursor={first.Text("nextCursor")}")).Is(200);

        Assert.Equal(Enumerable.Reverse(made), Slugs(first).Concat(Slugs(second)));
        Assert.Equal((await root.Get($"/orgs/{made[^1]}")).Body, first["items"][0].GetRawText());
        var all = (await root.Get("/orgs?limit=200")).Is(200);
        Assert.Equal(await app.Value<long>("select count(*) from organizations where deleted_at is null"), all["items"].GetArrayLength());
        Assert.Equal(JsonValueKind.Null, all["nextCursor"].ValueKind);
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=201", "limit")]
    [InlineData("cursor=x", "cursor")]
    [InlineData("name=acme", "query")]
    public async Task A_page_that_is_not_one_is_refused(string query, string path) =>
        (await (await app.Superadmin()).Get($"/orgs?{query}")).IsInvalid(path);

    [Fact]
    public async Task A_cursor_of_another_list_is_refused()
    {
        var acme = await app.Org("acme");
        await acme.Key();
        await acme.Key();
        var root = await app.Superadmin();
        var keys = (await root.Get($"/orgs/{acme.Slug}/apikeys?limit=1")).Is(200).Text("nextCursor");

        (await root.Get($"/orgs?cursor={keys}")).IsInvalid("cursor");
    }

    private static string NewSlug() => $"initech-{Guid.NewGuid().ToString("N")[..8]}";

    private static IEnumerable<string> Slugs(Answer page) =>
        page["items"].EnumerateArray().Select(item => item.GetProperty("slug").GetString()!);
}
