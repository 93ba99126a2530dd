namespace ChatLogger.Tests.Contracts;

/// <summary>Two instances of the service on one database.</summary>
public sealed class TwoInstances : IAsyncLifetime
{
    internal App One { get; } = new();

    internal App Other { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await One.InitializeAsync();
        Other = await One.AnotherInstance();
    }

    public async Task DisposeAsync()
    {
        await Other.Stop();
        await One.DisposeAsync();
    }
}

/// <summary>
/// A right that ends at one instance has ended at the other within five seconds, in every API. The other instance has served the caller
/// just before, so its caches are filled; then its clock is moved on by five seconds, and nothing else notifies it.
/// </summary>
public class LiveRightsTests(TwoInstances instances) : IClassFixture<TwoInstances>
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    private readonly App _one = instances.One;
    private readonly App _other = instances.Other;

    [Theory]
    [InlineData("revoked")]
    [InlineData("rotated without an overlap")]
    [InlineData("revoked by hand")]
    [InlineData("of a deleted organization")]
    public async Task A_key_that_is(string ended)
    {
        var acme = await _one.Org("acme");
        var globex = await _one.Org("globex");
        var admin = await acme.Admin();
        var made = (await admin.Post("/orgs/me/apikeys", new { label = "a" })).Is(201);
        var (key, bystander) = (made.Text("key"), await globex.Key());
        (await Writes(acme, key)).Is(201);
        (await Writes(globex, bystander)).Is(201);

        switch (ended)
        {
            case "revoked":
                (await admin.Delete($"/orgs/me/apikeys/{made.Text("id")}")).Is(204);
                break;
            case "rotated without an overlap":
                (await admin.Post($"/orgs/me/apikeys/{made.Text("id")}/rotate", new { overlapHours = 0 })).Is(201);
                break;
            case "revoked by hand":
                await _one.Execute("update api_keys set revoked_at = now() where id = @Id::uuid", new { Id = made.Text("id") });
                break;
            default:
                await _one.Execute("update organizations set deleted_at = now() where id = @Id", new { acme.Id });
                break;
        }
        _other.Clock.Advance(Bound);

        (await Writes(acme, key)).IsProblem(401, "unauthenticated");
        (await Writes(acme, key, $"/{Guid.CreateVersion7()}/messages")).IsProblem(401, "unauthenticated");
        (await Writes(globex, bystander)).Is(201);
        Assert.Equal(1, await acme.Count("chats"));
    }

    [Fact]
    public async Task A_key_in_constant_use_is_checked_again_too()
    {
        var acme = await _one.Org("acme");
        var key = await acme.Key();
        (await Writes(acme, key)).Is(201);
        await _one.Execute("update api_keys set revoked_at = now() where org_id = @Id", new { acme.Id });

        var statuses = new List<int>();
        for (var tenth = 0; tenth < 50; tenth++)
        {
            _other.Clock.Advance(Bound / 50);
            statuses.Add((await Writes(acme, key)).Status);
        }

        Assert.Equal(401, (await Writes(acme, key)).Status);
        Assert.DoesNotContain(201, statuses.SkipWhile(status => status == 201));
    }

    [Fact]
    public async Task A_key_ends_exactly_when_it_expires_or_its_overlap_ends()
    {
        var acme = await _one.Org("acme");
        var admin = await acme.Admin();
        var now = _other.Clock.GetUtcNow();
        var expiring = (await admin.Post("/orgs/me/apikeys", new { label = "a", expiresAt = now.AddHours(1).ToString("O") }))
            .Is(201)
            .Text("key");
        var rotated = (await admin.Post("/orgs/me/apikeys", new { label = "b" })).Is(201);
        var successor = (await admin.Post($"/orgs/me/apikeys/{rotated.Text("id")}/rotate", new { overlapHours = 1 })).Is(201).Text("key");
        // Earlier tests may have moved the other instance's clock ahead.
        await _one.Execute(
            "update api_keys set expires_at = @Ends where org_id = @Id and expires_at is not null",
            new { acme.Id, Ends = now.AddHours(1).UtcDateTime });
        _other.Clock.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromSeconds(30) - (_other.Clock.GetUtcNow() - now));
        string[] all = [expiring, rotated.Text("key"), successor];
        foreach (var key in all)
            (await Writes(acme, key)).Is(201);

        _other.Clock.Advance(TimeSpan.FromSeconds(30));

        (await Writes(acme, expiring)).IsProblem(401, "unauthenticated");
        (await Writes(acme, rotated.Text("key"))).IsProblem(401, "unauthenticated");
        (await Writes(acme, successor)).Is(201);
    }

    [Fact]
    public async Task A_key_that_was_unknown_works_within_the_bound_once_it_is_created()
    {
        var acme = await _one.Org("acme");
        var key = ChatLogger.Auth.ApiKey.Generate();
        (await Writes(acme, key.Text)).IsProblem(401, "unauthenticated");

        await _one.Send(new ChatLogger.Features.CreateApiKey.Command(acme.Id, "a", ["ingest"], null, [], key, Persona.Operator));
        _other.Clock.Advance(Bound);

        (await Writes(acme, key.Text)).Is(201);
    }

    [Theory]
    [InlineData("logged out")]
    [InlineData("with a new password")]
    [InlineData("disabled")]
    [InlineData("removed")]
    [InlineData("of a deleted organization")]
    public async Task A_member_who_is(string ended)
    {
        var acme = await _one.Org("acme");
        await acme.Chat();
        var member = await acme.Member("admin");
        var colleague = await acme.Member("admin");
        var file = await File(member.Caller);
        await EveryDoor(member, file, 200);

        switch (ended)
        {
            case "logged out":
                (await member.Caller.Post("/auth/logout")).Is(204);
                break;
            case "with a new password":
                // From another session of the same member: that one stays valid.
                (
                    await (await _one.LogIn(member.Email)).Patch(
                        "/users/me",
                        new { currentPassword = Persona.Password, newPassword = "another horse battery" })
                ).Is(200);
                break;
            case "disabled":
                await _one.Execute("update users set disabled_at = now() where id = @Id", new { member.Id });
                break;
            case "removed":
                await _one.Execute(
                    "update users set removed_at = now(), email = null, password_hash = null where id = @Id",
                    new { member.Id });
                break;
            default:
                await _one.Execute("update organizations set deleted_at = now() where id = @Id", new { acme.Id });
                break;
        }
        _other.Clock.Advance(Bound);

        await EveryDoor(member, file, 401);
        await EveryDoor(colleague, file, ended == "of a deleted organization" ? 401 : 200);
    }

    [Fact]
    public async Task A_member_who_is_demoted()
    {
        var acme = await _one.Org("acme");
        await acme.Chat();
        var member = await acme.Member("admin");
        var file = await File(member.Caller);
        await EveryDoor(member, file, 200);

        await _one.Execute("update users set role = 'viewer' where id = @Id", new { member.Id });
        _other.Clock.Advance(Bound);

        var there = At(_other, member);
        (await there.Get(file)).IsProblem(403, "forbidden");
        (await there.Post("/exports/orgs/me", new { format = "jsonl" })).IsProblem(403, "forbidden");
        (await there.Get("/orgs/me/apikeys")).IsProblem(403, "forbidden");
        (await there.Get("/orgs/me/chats")).Is(200);
    }

    private static Caller At(App instance, Person member) => instance.Stranger.WithCookie(member.Caller.Credential!);

    // At the other instance.
    private Task<Answer> Writes(Org org, string key, string below = "") =>
        _other.Stranger.WithKey(key).Post($"{org.ApiPath}/chats{below}", below == "" ? "{}" : """{"role":"user","content":"a"}""");

    private async Task EveryDoor(Person member, string file, int status)
    {
        var there = At(_other, member);
        foreach (var path in new[] { "/users/me", "/orgs/me/chats", "/orgs/me/apikeys", "/exports/orgs/me", file })
            (await there.Get(path)).Is(status);
    }

    /// <summary>Where a finished export is to be fetched.</summary>
    private static async Task<string> File(Caller admin)
    {
        var location = (await admin.Post("/exports/orgs/me", new { format = "jsonl", mode = "async" })).Is(202).Header("Location")!;
        await Wait.Until(async () => (await admin.Get(location)).Status != 202, "The export did not end.");
        return location;
    }
}
