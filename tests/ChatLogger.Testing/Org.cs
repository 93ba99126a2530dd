using ChatLogger.Auth;
using ChatLogger.Features;

namespace ChatLogger.Testing;

/// <summary>Constants of the members of all tests.</summary>
internal static class Persona
{
    public const string Password = "correct horse battery";

    public const string OperatorToken = "not-a-secret-but-long-enough";

    public static readonly Actor Operator = Actor.Operator("test");
}

/// <summary>An organization with its members and plugins. In every test acme sends the requests, and globex must see nothing.</summary>
internal sealed class Org(App app, Guid id, string slug)
{
    private Caller? _plugin;

    public App App => app;

    public Guid Id => id;

    public string Slug => slug;

    /// <summary>The plugin API's path: <c>/api/v1/orgs/{slug}</c>.</summary>
    public string ApiPath => $"/api/v1/orgs/{slug}";

    /// <summary>A plugin with a key of this organization.</summary>
    public async Task<Caller> Plugin() => _plugin ??= app.Stranger.WithKey(await Key());

    /// <summary>A new key of this organization.</summary>
    public async Task<string> Key(params string[] scopes)
    {
        var key = await app.Send(new CreateApiKey.Command(
            id, "test", scopes.Length == 0 ? [KeyScope.Ingest] : scopes, null, [], ApiKey.Generate(), Persona.Operator));
        return key.Key;
    }

    public async Task<Person> Member(string role)
    {
        var email = $"{role}-{Guid.NewGuid():N}@{slug}.example";
        var member = await app.Send(new CreateMember.Command(id, email, role, role, Persona.Password, Persona.Operator));
        return new Person(member.Id, email, await app.LogIn(email));
    }

    public async Task<Caller> Admin() => (await Member(MemberRole.Admin)).Caller;

    /// <summary>Opens a chat and answers its id.</summary>
    public async Task<string> Chat(object? chat = null)
    {
        var answer = await (await Plugin()).Post($"{ApiPath}/chats", chat ?? new { });
        return answer.Is(201).Text("id");
    }

    /// <summary>Adds a message and answers its id.</summary>
    public async Task<string> Say(string chatId, string content, string role = "user")
    {
        var answer = await (await Plugin()).Post($"{ApiPath}/chats/{chatId}/messages", new { role, content });
        return answer.Is(201).Text("id");
    }

    /// <summary>The numbers of its chats and messages, in order.</summary>
    public async Task<IReadOnlyList<long>> Seqs() => (await app.Value<long[]>(
        """
        select array_agg(seq order by seq)
        from (select seq from messages where org_id = @Id union all select seq from chats where org_id = @Id) arrived
        """,
        new { Id = id }))!;

    public Task<long> Count(string table) => app.Value<long>($"select count(*) from {table} where org_id = @Id", new { Id = id });
}

internal sealed record Person(Guid Id, string Email, Caller Caller);
