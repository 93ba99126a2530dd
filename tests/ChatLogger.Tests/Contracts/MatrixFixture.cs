namespace ChatLogger.Tests.Contracts;

/// <summary>
/// A kind of caller: its column of the matrix, the credential, and how the organization is named in a path.
/// <paramref name="Instead"/> says where the answer is another than the column's.
/// </summary>
internal sealed record Kind(string Name, Column Column, Caller Caller, string Org, string Slug, Func<RouteCase, int?> Instead)
{
    /// <summary>Whether the chat in the path is another member's.</summary>
    public bool ForeignChat { get; init; }

    /// <summary>Who the caller is at home, where the path says "me"; for those from elsewhere.</summary>
    public Column AtHome { get; init; } = Column.Admin;
}

/// <summary>
/// Two organizations with one of everything. The tests request acme; globex has the same, and must be neither visible nor changed.
/// </summary>
internal sealed partial class MatrixFixture
{
    /// <summary>Marks the texts that tests of the matrix write.</summary>
    public const string Mark = "matrix";

    public const string Nowhere = "no-such-organization";

    private MatrixFixture(App app, Org acme, Org globex)
    {
        App = app;
        Acme = acme;
        Globex = globex;
    }

    public App App { get; }

    public Org Acme { get; }

    public Org Globex { get; }

    public Person Admin { get; private set; } = null!;

    public Person User { get; private set; } = null!;

    public Caller Superadmin { get; private set; } = null!;

    public static async Task<MatrixFixture> Set(App app)
    {
        var fixture = new MatrixFixture(app, await app.Org("acme"), await app.Org("globex"));
        fixture.Admin = await fixture.Acme.Member("admin");
        fixture.User = await fixture.Acme.Member("user");
        fixture.Superadmin = await app.Superadmin();
        fixture.Kinds = await fixture.AllKinds();
        return fixture;
    }

    /// <summary>A new thing of the organization, ready to be asked for; for a parameter of a path that is named like this.</summary>
    public async Task<string> Thing(Org org, string parameter, Guid? owner, string? within = null)
    {
        var id = Guid.CreateVersion7();
        switch (parameter)
        {
            case "chatId":
                await App.Execute(
                    """
                    insert into chats (org_id, id, title, tags, user_id, external_user_id, created_at, updated_at)
                    values (@Org, @Id, 'matrix', array[@Slug], @Owner, @Slug, now(), now())
                    """,
                    new { Org = org.Id, Id = id, Owner = owner, org.Slug });
                await Thing(org, "messageId", null, id.ToString());
                return id.ToString();
            case "messageId":
                await App.Execute(
                    "insert into messages (org_id, chat_id, id, role, content, created_at) values (@Org, @Chat::uuid, @Id, 'user', "
                        + "'matrix', now())",
                    new { Org = org.Id, Id = id, Chat = within });
                return id.ToString();
            case "keyId":
                // Removes the earlier ones: an organization may have only so many live keys.
                await App.Execute(
                    """
                    update api_keys set revoked_at = now() where org_id = @Org and label = 'matrix' and revoked_at is null;
                    insert into api_keys (id, org_id, public_id, sha256, last_four, label, scopes, created_at)
                    values (@Id, @Org, @PublicId, sha256(@PublicId::bytea), 'abcd', 'matrix', array['ingest'], now())
                    """,
                    new { Org = org.Id, Id = id, PublicId = id.ToString("N")[16..] });
                return id.ToString();
            case "exportId":
                await App.Execute(
                    """
                    insert into exports (id, org_id, requested_by, state, format, time_zone, created_at, next_attempt_at)
                    values (@Id, @Org, @Id, 'queued', 'jsonl', 'UTC', now(), now() + interval '1 day')
                    """,
                    new { Org = org.Id, Id = id });
                return id.ToString();
            case "webhookId":
                await App.Execute(
                    """
                    insert into webhooks (org_id, id, url, events, with_content, idle_minutes, description, state, secret, created_at)
                    values (@Org, @Id, 'https://hooks.example', array['chat.created'], false, 30, '', 'active', '\x00', now())
                    """,
                    new { Org = org.Id, Id = id });
                return id.ToString();
            case "erasureId":
                await App.Execute(
                    """
                    insert into erasures (org_id, id, external_user_id, subject, up_to, state, created_at)
                    values (@Org, @Id, 'nobody', '\x00', 0, 'queued', now())
                    """,
                    new { Org = org.Id, Id = id });
                return id.ToString();
            case "deliveryId":
                await App.Execute(
                    """
                    insert into webhook_deliveries (
                        org_id, id, webhook_id, event, seq, subject_id, happened_at, created_at, status, attempts, error
                    )
                    values (@Org, @Id, @Webhook::uuid, 'webhook.test', 0, @Id, now(), now(), 'failed', 9, 'timeout')
                    """,
                    new { Org = org.Id, Id = id, Webhook = within ?? await Thing(org, "webhookId", null) });
                return id.ToString();
            case "memberId":
                await App.Execute(
                    """
                    insert into users (id, org_id, email, name, role, password_hash, created_at, updated_at)
                    values (@Id, @Org, @Id || '@matrix.example', 'matrix', 'viewer', 'x', now(), now())
                    """,
                    new { Org = org.Id, Id = id });
                return id.ToString();
            case "sessionId":
                await App.Execute(
                    "insert into sessions (id, user_id, created_at, expires_at) values (@Id, @User::uuid, now(), now() + "
                        + "interval '1 hour')",
                    new { Id = id, User = owner?.ToString() ?? await Thing(org, "memberId", null) });
                return id.ToString();
            case "slug":
                return (await App.Org("matrix")).Slug;
            // The dashboard's own paths.
            case "**path" or "path":
                return "chats";
            default:
                throw new InvalidOperationException(
                    $"MatrixFixture.Thing makes no {parameter} yet: add how such a thing is made, for a route has it in its path.");
        }
    }

    /// <summary>The ids of a route's path, each of a new thing.</summary>
    public async Task<Dictionary<string, string>> Things(RouteCase line, Org org, Guid? owner = null)
    {
        var things = new Dictionary<string, string>();
        foreach (var name in line.Ids)
            things[name] = await Thing(org, name, owner, things.GetValueOrDefault("chatId"));
        if (line.Row == Row.Organizations && line.Parameters.Contains("slug"))
            things["slug"] = await Thing(org, "slug", owner);
        return things;
    }

    public static string Path(RouteCase line, Kind kind, IReadOnlyDictionary<string, string> things) =>
        string.Join(
            '/',
            line.Path.Split('/')
                .Select(segment =>
                    segment.Trim('{', '}') is var name && segment == name ? segment
                    : things.TryGetValue(name, out var thing) ? thing
                    : name == "org" ? kind.Org
                    : kind.Slug)) + line.Query;

    public Task<Answer> Ask(RouteCase line, Kind kind, IReadOnlyDictionary<string, string> things) =>
        Ask(line, kind.Caller, Path(line, kind, things));

    public Task<Answer> Ask(RouteCase line, Caller caller, string path) => caller.Send(line.Method, path, line.Body?.Invoke(this));

    public Kind Named(string name) => Kinds.Single(kind => kind.Name == name);

    /// <summary>
    /// Everything in the database except what a refusal may write: how many rows each table has, and the last transaction that wrote one.
    /// </summary>
    public async Task<string> State()
    {
        await using var connection = await App.Rows.OpenConnectionAsync();
        var tables = new List<string>();
        await using (var command = connection.CreateCommand())
        {
            command.CommandText =
                """
                select relname::text
                from pg_class
                where relkind = 'r'
                  and relnamespace = 'public'::regnamespace
                  and relname <> all (@Refusals)
                order by 1
                """;
            command.Parameters.AddWithValue("Refusals", Refusals);
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
                tables.Add(reader.GetString(0));
        }
        await using var counts = connection.CreateCommand();
        // The service records the last use of a key or session with some delay; that is no change to it.
        counts.CommandText = string.Join("\nunion all\n", tables.Select(table => table is "api_keys" or "sessions"
            ? $"select '{table}', count(*), md5(string_agg((to_jsonb(k) - 'last_used_at')::text, '' order by id)) from {table} k"
            : $"select '{table}', count(*), max(xmin::text::bigint)::text from {table}"));
        var state = new List<string>();
        await using var rows = await counts.ExecuteReaderAsync();
        while (await rows.ReadAsync())
            state.Add($"{rows.GetString(0)}: {rows.GetInt64(1)} rows, {(rows.IsDBNull(2) ? "" : rows.GetString(2))}");
        return string.Join('\n', state);
    }

    /// <summary>The tables that a refusal may write to.</summary>
    private static readonly string[] Refusals = ["audit_events", "login_attempts", "login_failures", "throttles"];
}
