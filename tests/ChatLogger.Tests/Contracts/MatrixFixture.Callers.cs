using ChatLogger.Auth;

namespace ChatLogger.Tests.Contracts;

internal sealed partial class MatrixFixture
{
    public IReadOnlyList<Kind> Kinds { get; private set; } = [];

    private async Task<IReadOnlyList<Kind>> AllKinds()
    {
        var stranger = App.Stranger;
        var viewer = await Acme.Member("viewer");
        var elsewhere = await Globex.Admin();
        var revoked = await KeyAfter("update api_keys set revoked_at = now() where org_id = @Id and public_id = @PublicId");
        var expired = await KeyAfter(
            "update api_keys set expires_at = now() - interval '1 second' where org_id = @Id and public_id = @PublicId");
        var good = await Acme.Key(KeyScope.Ingest, KeyScope.Read);
        var session = Admin.Caller.Credential!;

        return
        [
            Nobody("nobody", stranger),
            Nobody("a malformed key", stranger.WithKey(good[..^1] + (good[^1] == 'a' ? 'b' : 'a'))),
            Nobody("an unknown key", stranger.WithKey(ApiKey.Generate().Text)),
            Nobody("a revoked key", stranger.WithKey(revoked)),
            Nobody("an expired key", stranger.WithKey(expired)),
            Nobody("two keys", stranger.WithKey($"{good},{good}")),
            Nobody("a key in the cookie's place", stranger.WithCookie($"{session.Split('=')[0]}={good}")),
            Nobody("a session in the key's place", stranger.WithKey(session.Split('=')[1])),
            Nobody("a forged session", stranger.WithCookie(Forged(session))),
            Nobody("an unsigned session", stranger.WithCookie(session[..(session.LastIndexOf('.') + 1)])),
            Nobody(
                "an expired session",
                await MemberAfter(
                    "update sessions set created_at = now() - interval '2 days', expires_at = now() - interval '1 second' where user_id = "
                        + "@Id")),
            Nobody("a session that was logged out", await MemberAfter("delete from sessions where user_id = @Id")),
            Nobody("a disabled member", await MemberAfter("update users set disabled_at = now() where id = @Id")),
            Nobody(
                "a removed member",
                await MemberAfter("update users set removed_at = now(), email = null, password_hash = null where id = @Id")),
            Key("a key", good, Acme.Slug, 0),
            Key("a key of another organization", await Globex.Key(KeyScope.Ingest, KeyScope.Read), Acme.Slug, 404),
            Key("a key where there is no organization", good, Nowhere, 404),
            Key("a key without the scope", await Acme.Key(KeyScope.Import), Acme.Slug, 403),
            Person("viewer", Column.Viewer, viewer.Caller, "me"),
            Person("viewer by slug", Column.Viewer, viewer.Caller, Acme.Slug),
            Person("user", Column.User, User.Caller, "me"),
            Person("user by slug", Column.User, User.Caller, Acme.Slug),
            Person("user with another's chat", Column.User, User.Caller, "me") with { ForeignChat = true },
            Person("admin", Column.Admin, Admin.Caller, "me"),
            Person("admin by slug", Column.Admin, Admin.Caller, Acme.Slug),
            Person("superadmin", Column.Superadmin, Superadmin, Acme.Slug),
            new(
                "superadmin without an organization",
                Column.Superadmin,
                Superadmin,
                "me",
                Acme.Slug,
                line => line.NamesOrganization ? 409 : null),
            new(
                "superadmin where there is no organization",
                Column.Superadmin,
                Superadmin,
                Nowhere,
                Acme.Slug,
                line => line.NamesOrganization ? 404 : null),
            Person("admin of another organization", Column.Elsewhere, elsewhere, Acme.Slug),
            Person("viewer of another organization", Column.Elsewhere, (await Globex.Member("viewer")).Caller, Acme.Slug) with
            {
                AtHome = Column.Viewer,
            },
            Person("admin where there is no organization", Column.Elsewhere, elsewhere, Nowhere),
        ];

        Kind Nobody(string name, Caller caller) => new(name, Column.Anonymous, caller, "me", Acme.Slug, _ => null);
        Kind Person(string name, Column column, Caller caller, string org) => new(name, column, caller, org, Acme.Slug, _ => null);
        Kind Key(string name, string key, string slug, int status) =>
            new(name, Column.Key, stranger.WithKey(key), "me", slug, line =>
                // An integration is in the key's own organization.
                (line.Row is Row.Plugin or Row.PluginReading && status != 0) || (line.Row == Row.Integration && status == 403)
                    ? status
                    : null);
        async Task<string> KeyAfter(string after)
        {
            var key = await Acme.Key();
            await App.Execute(after, new { Acme.Id, ApiKey.Parse(key)!.PublicId });
            return key;
        }
        async Task<Caller> MemberAfter(string after)
        {
            var member = await Acme.Member("admin");
            await App.Execute(after, new { member.Id });
            return member.Caller;
        }
    }

    private static string Forged(string session)
    {
        var middle = session.LastIndexOf('.') + 10;
        return $"{session[..middle]}{(session[middle] == 'a' ? 'b' : 'a')}{session[(middle + 1)..]}";
    }
}
