using ChatLogger.Auth;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Accounts;

/// <summary>A member's own sessions.</summary>
public class SessionsTests(App app) : IClassFixture<App>
{
    [Fact]
    public async Task The_live_ones_are_listed_newest_first_and_this_one_is_marked()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("viewer");
        await acme.Member("viewer");
        var login = await app.Stranger.Send(
            HttpMethod.Post,
            "/auth/login",
            Caller.Json(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { email = ann.Email, password = Persona.Password })),
            request => request.Headers.TryAddWithoutValidation("User-Agent", new string('a', 300)));
        var phone = app.Stranger.WithCookie(login.Is(200).Header("Set-Cookie")!.Split(';')[0]);

        var items = (await phone.Get("/users/me/sessions")).Is(200)["items"].EnumerateArray().ToList();

        Assert.Equal(2, items.Count);
        Assert.Equal(
            ["id", "createdAt", "lastUsedAt", "expiresAt", "address", "userAgent", "current"],
            items[0].EnumerateObject().Select(property => property.Name));
        Assert.Equal([true, false], items.Select(item => item.GetProperty("current").GetBoolean()));
        Assert.Equal("127.0.0.1", items[0].GetProperty("address").GetString());
        Assert.Equal(new string('a', 256), items[0].GetProperty("userAgent").GetString());
        Assert.Null(items[1].GetProperty("userAgent").GetString());

        // Page by page, and without those that have ended.
        var first = (await phone.Get("/users/me/sessions?limit=1")).Is(200);
        var rest = (await phone.Get($"/users/me/sessions?limit=1&cursor={first.Text("nextCursor")}")).Is(200);
        Assert.Equal(items[1].GetProperty("id").GetString(), Assert.Single(rest["items"].EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal("null", rest["nextCursor"].GetRawText());
        (await (await acme.Admin()).Get($"/users/me/sessions?cursor={first.Text("nextCursor")}")).IsInvalid("cursor");
        await app.Execute(
            "update sessions set created_at = now() - interval '1 day', expires_at = now() - interval '1 second' where id = @Id::uuid",
            new { Id = items[1].GetProperty("id").GetString() });
        Assert.Single((await phone.Get("/users/me/sessions")).Is(200)["items"].EnumerateArray());
    }

    [Fact]
    public async Task The_last_use_is_kept_to_the_minute()
    {
        var acme = await app.Org("acme");
        var ann = (await acme.Member("viewer")).Caller;
        var before = app.Clock.GetUtcNow();
        (await ann.Get("/users/me")).Is(200);
        await Flush();
        var first = await LastUsed(ann);
        Assert.InRange(first!.Value, before.AddMilliseconds(-1), app.Clock.GetUtcNow());

        app.Clock.Advance(TimeSpan.FromSeconds(30));
        await Flush();
        Assert.Equal(first, await LastUsed(ann));

        app.Clock.Advance(TimeSpan.FromSeconds(61));
        (await ann.Get("/users/me")).Is(200);
        await Flush();
        Assert.InRange((await LastUsed(ann))!.Value, first.Value.AddSeconds(60), app.Clock.GetUtcNow());
    }

    [Fact]
    public async Task A_member_ends_another_session_of_theirs_and_nobody_elses()
    {
        var acme = await app.Org("acme");
        var (ann, bob) = (await acme.Member("viewer"), await acme.Member("viewer"));
        var phone = await app.LogIn(ann.Email);
        var id = await Current(phone);

        (await bob.Caller.Delete($"/users/me/sessions/{id}")).IsProblem(404, "not-found");
        (await phone.Get("/users/me")).Is(200);
        var ended = (await ann.Caller.Delete($"/users/me/sessions/{id}")).Is(204);
        Assert.Null(ended.Header("Set-Cookie"));

        (await phone.Get("/users/me")).IsProblem(401, "unauthenticated");
        (await ann.Caller.Get("/users/me")).Is(200);
        (await ann.Caller.Delete($"/users/me/sessions/{id}")).IsProblem(404, "not-found");
        (await ann.Caller.Delete("/users/me/sessions/x")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task The_end_of_the_own_session_is_a_logout()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("viewer");

        var ended = (await ann.Caller.Delete($"/users/me/sessions/{await Current(ann.Caller)}")).Is(204);

        Assert.Matches("^__Host-chatlogger=; max-age=0; path=/; secure; samesite=strict; httponly$", ended.Header("Set-Cookie"));
        (await ann.Caller.Get("/users/me")).IsProblem(401, "unauthenticated");
        Assert.Equal(
            1,
            await app.Value<long>(
                "select count(*) from audit_events where org_id = @Org and action = 'logout' and target_id = @Id",
                new { Org = acme.Id, Id = $"{ann.Id}" }));
    }

    private static async Task<string> Current(Caller caller) =>
        (await caller.Get("/users/me/sessions")).Is(200)["items"].EnumerateArray()
        .Single(item => item.GetProperty("current").GetBoolean()).GetProperty("id").GetString()!;

    private static async Task<DateTimeOffset?> LastUsed(Caller caller) =>
        (await caller.Get("/users/me/sessions")).Is(200)["items"][0].GetProperty("lastUsedAt").GetString() is { } time
            ? DateTimeOffset.Parse(time, null)
            : null;

    private Task Flush() => app.Services.GetRequiredService<LastUsedTracker>().Flush(CancellationToken.None);
}
