namespace ChatLogger.Tests.Contracts;

/// <summary>The rows of the role matrix: a row is for routes that the same callers may use.</summary>
internal enum Row
{
    Open,
    Operator,
    Plugin,
    PluginReading,
    Integration,
    Account,
    Organization,
    Reading,
    Writing,
    Changing,
    Analytics,
    Administration,
    Organizations,
}

/// <summary>The columns of the role matrix.</summary>
internal enum Column
{
    Anonymous,
    Key,
    Viewer,
    User,
    Admin,
    Superadmin,
    Elsewhere,
}

/// <summary>
/// A route as its callers know it: its row of the matrix, the status of its success, and a body that succeeds. Parameters of the path are
/// named for what they are ids of; see <see cref="MatrixFixture.Thing"/>.
/// </summary>
internal sealed record RouteCase(string Route, Row Row, int Success, Func<MatrixFixture, object>? Body = null)
{
    /// <summary>The request ends the caller's session.</summary>
    public bool EndsSession { get; init; }

    /// <summary>The request changes nothing, although it has a body.</summary>
    public bool ChangesNothing { get; init; }

    /// <summary>The query without which the route answers 400.</summary>
    public string Query { get; init; } = "";

    /// <summary>Members of the body that choose among what there is; those of the query are known from the route itself.</summary>
    public string[] Filters { get; init; } = [];

    /// <summary>Bodies that contain ids in nested objects; the type of the body shows its own ids.</summary>
    public Func<string, object>[] Nested { get; init; } = [];

    public override string ToString() => Route;

    public HttpMethod Method => HttpMethod.Parse(Route.Split(' ')[0]);

    public string Path => Route.Split(' ')[1];

    public IEnumerable<string> Parameters =>
        Path.Split('/').Where(segment => segment.StartsWith('{')).Select(segment => segment.Trim('{', '}'));

    /// <summary>The ids in the path: all of its parameters but the organization.</summary>
    public IEnumerable<string> Ids => Parameters.Where(name => name is not ("org" or "slug"));

    public bool NamesOrganization => Path.Contains("/orgs/{org}", StringComparison.Ordinal);
}

/// <summary>
/// Who may do what, written down from the contract and not from the code: ✓ is the route's success, "own" the same with a chat of the
/// caller's own and 404 with any other.
/// </summary>
internal static class Matrix
{
    private static readonly Dictionary<Row, string> Cells = new()
    {
        //                      anonymous  key  viewer user  admin super elsewhere
        [Row.Open] = "           ✓          ✓    ✓      ✓     ✓     ✓     ✓",
        [Row.Operator] = "       401        401  401    401   401   401   401",
        [Row.Plugin] = "         401        ✓    401    401   401   401   401",
        [Row.PluginReading] = "  401        ✓    401    401   401   401   401",
        [Row.Integration] = "    401        ✓    401    401   401   401   401",
        [Row.Account] = "        401        401  ✓      ✓     ✓     ✓     ✓",
        [Row.Organization] = "   401        401  ✓      ✓     ✓     ✓     404",
        [Row.Reading] = "        401        401  ✓      own   ✓     ✓     404",
        [Row.Writing] = "        401        401  403    own   ✓     ✓     404",
        [Row.Changing] = "       401        401  403    own   ✓     ✓     404",
        [Row.Analytics] = "      401        401  ✓      403   ✓     ✓     404",
        [Row.Administration] = " 401        401  403    403   ✓     ✓     404",
        [Row.Organizations] = "  401        401  403    403   403   ✓     403",
    };

    /// <summary>A line for each route. Besides its row, a line needs only a body that succeeds; the rest is generated.</summary>
    private static readonly IReadOnlyList<RouteCase> Written =
    [
        new("GET /", Row.Open, 200),
        new("GET /app/{**path}", Row.Open, 200),
        new("GET /healthz/live", Row.Open, 200),
        new("GET /healthz/ready", Row.Open, 200),
        new("GET /version", Row.Open, 200),
        new("GET /openapi/v1.json", Row.Open, 200),
        new("GET /metrics", Row.Operator, 200),
        new("POST /auth/login", Row.Open, 200, fixture => new { email = fixture.User.Email, password = Testing.Persona.Password }),

        new("POST /api/v1/orgs/{slug}/chats", Row.Plugin, 201, _ => new { }),
        new("GET /api/v1/orgs/{slug}/chats", Row.PluginReading, 200) { Query = "?externalId=none" },
        new("GET /api/v1/orgs/{slug}/chats/{chatId}", Row.PluginReading, 200),
        new("GET /api/v1/orgs/{slug}/chats/{chatId}/messages", Row.PluginReading, 200),
        new("PATCH /api/v1/orgs/{slug}/chats/{chatId}", Row.Plugin, 200, _ => new { title = MatrixFixture.Mark }),
        new("POST /api/v1/orgs/{slug}/chats/{chatId}/messages", Row.Plugin, 201, _ => new { role = "user", content = MatrixFixture.Mark }),
        new("POST /api/v1/orgs/{slug}/batch", Row.Plugin, 207, _ => new { items = new[] { new { type = "chat" } } })
        {
            Nested =
            [
                id => new { items = new[] { new { type = "chat", userId = id } } },
                id => new { items = new[] { new { type = "message", chatId = id, role = "user", content = MatrixFixture.Mark } } },
            ],
        },
        new("PUT /api/v1/orgs/{slug}/chats/{chatId}/feedback", Row.Plugin, 200, _ => new { rating = "up" }),
        new("PUT /api/v1/orgs/{slug}/chats/{chatId}/messages/{messageId}/feedback", Row.Plugin, 200, _ => new { rating = "up" }),

        new("GET /api/public/health", Row.Open, 200),
        new("POST /api/public/ingestion", Row.Integration, 207, _ => new { batch = Array.Empty<object>() }),
        new("POST /v1/runs/ingest", Row.Integration, 200, _ => new { events = Array.Empty<object>() }),
        new("POST /v1/traces", Row.Integration, 200, _ => new { resourceSpans = Array.Empty<object>() }),
        new("POST /otel/v1/traces", Row.Integration, 200, _ => new { resourceSpans = Array.Empty<object>() }),
        new("POST /api/public/otel/v1/traces", Row.Integration, 200, _ => new { resourceSpans = Array.Empty<object>() }),

        new("POST /auth/logout", Row.Account, 204) { EndsSession = true },
        new("GET /users/me", Row.Account, 200),
        new("PATCH /users/me", Row.Account, 200, _ => new { name = MatrixFixture.Mark }),
        new("GET /users/me/sessions", Row.Account, 200),
        new("DELETE /users/me/sessions/{sessionId}", Row.Account, 204),

        new("GET /orgs/me", Row.Organization, 200),
        new("PATCH /orgs/me", Row.Administration, 200, _ => new { name = MatrixFixture.Mark }),

        new("GET /orgs/{org}/live", Row.Reading, 200),
        new("GET /orgs/{org}/chats", Row.Reading, 200),
        new("POST /orgs/{org}/chats", Row.Writing, 201, _ => new { }),
        new("GET /orgs/{org}/chats/{chatId}", Row.Reading, 200),
        new("PATCH /orgs/{org}/chats/{chatId}", Row.Changing, 200, _ => new { title = MatrixFixture.Mark }),
        new("DELETE /orgs/{org}/chats/{chatId}", Row.Changing, 204),
        new("GET /orgs/{org}/chats/{chatId}/messages", Row.Reading, 200),
        new("DELETE /orgs/{org}/chats/{chatId}/messages/{messageId}", Row.Changing, 204),
        new("POST /orgs/{org}/chats/{chatId}/messages", Row.Writing, 201, _ => new { role = "user", content = MatrixFixture.Mark }),

        new("GET /analytics/orgs/{org}/summary", Row.Analytics, 200),
        new("GET /analytics/orgs/{org}/conversations", Row.Analytics, 200),

        new("POST /exports/orgs/{org}", Row.Administration, 200, _ => new { format = "jsonl" }) { Filters = ["tag", "externalUserId"] },
        new("GET /exports/orgs/{org}", Row.Administration, 200),
        new("GET /exports/orgs/{org}/{exportId}", Row.Administration, 202),
        new("DELETE /exports/orgs/{org}/{exportId}", Row.Administration, 204),

        new("GET /orgs/{org}/apikeys", Row.Administration, 200),
        new("POST /orgs/{org}/apikeys", Row.Administration, 201, _ => new { label = MatrixFixture.Mark }),
        new("POST /orgs/{org}/apikeys/{keyId}/rotate", Row.Administration, 201, _ => new { }),
        new("DELETE /orgs/{org}/apikeys/{keyId}", Row.Administration, 204),

        new("GET /orgs/{org}/webhooks", Row.Administration, 200),
        new("POST /orgs/{org}/webhooks", Row.Administration, 201,
            _ => new { url = "https://hooks.example/matrix", events = new[] { "chat.created" } }),
        new("GET /orgs/{org}/webhooks/{webhookId}", Row.Administration, 200),
        new("PATCH /orgs/{org}/webhooks/{webhookId}", Row.Administration, 200, _ => new { description = MatrixFixture.Mark }),
        new("DELETE /orgs/{org}/webhooks/{webhookId}", Row.Administration, 204),
        new("POST /orgs/{org}/webhooks/{webhookId}/rotate", Row.Administration, 201, _ => new { }),
        new("POST /orgs/{org}/webhooks/{webhookId}/test", Row.Administration, 202),
        new("GET /orgs/{org}/webhooks/{webhookId}/deliveries", Row.Administration, 200),
        new("POST /orgs/{org}/webhooks/deliveries/{deliveryId}/replay", Row.Administration, 202),

        new("GET /orgs/{org}/users", Row.Administration, 200),
        new("POST /orgs/{org}/users", Row.Administration, 201,
            _ => new { email = $"{Guid.NewGuid():N}@matrix.example", role = "viewer", password = Testing.Persona.Password }),
        new("PATCH /orgs/{org}/users/{memberId}", Row.Administration, 200, _ => new { name = MatrixFixture.Mark }),
        new("DELETE /orgs/{org}/users/{memberId}", Row.Administration, 204),

        new("POST /orgs/{org}/redaction/preview", Row.Administration, 200, _ => new { text = MatrixFixture.Mark })
        {
            ChangesNothing = true,
        },

        new("GET /orgs/{org}/erasures", Row.Administration, 200),
        new("POST /orgs/{org}/erasures", Row.Administration, 202, _ => new { externalUserId = MatrixFixture.Mark }),
        new("GET /orgs/{org}/erasures/{erasureId}", Row.Administration, 200),
        new("GET /orgs/{org}/erasures/{erasureId}/ids", Row.Administration, 202),

        new("GET /orgs/{org}/audit", Row.Administration, 200),

        new("GET /orgs", Row.Organizations, 200),
        new("POST /orgs", Row.Organizations, 201, _ => new { slug = $"matrix-{Guid.NewGuid():N}"[..30], name = MatrixFixture.Mark }),
        new("GET /orgs/{slug}", Row.Organizations, 200),
        new("PATCH /orgs/{slug}", Row.Organizations, 200, _ => new { name = MatrixFixture.Mark }),
        new("DELETE /orgs/{slug}", Row.Organizations, 202),
    ];

    /// <summary>HEAD has the same rights as GET.</summary>
    public static readonly IReadOnlyList<RouteCase> Lines =
        [.. Written, .. Written.Where(line => line.Method == HttpMethod.Get).Select(line => line with { Route = $"HEAD {line.Path}" })];

    /// <summary>Lines of the contract without a route yet.</summary>
    public static readonly IReadOnlyList<string> Coming =
    [];

    public static string Cell(Row row, Column column) => Cells[row].Split(' ', StringSplitOptions.RemoveEmptyEntries)[(int)column];

    /// <summary>What this caller is answered; null: the caller makes no difference to this route.</summary>
    public static int? Expect(RouteCase line, Kind kind)
    {
        var cell = Cell(line.Row, kind.Column);
        if (kind.ForeignChat)
            return cell == "own" && line.Ids.Any() ? 404 : null;
        if (kind.Instead(line) is { } instead)
            return instead;
        // A path that says "me" and nothing else names the member's own organization; a superadmin has none.
        if (line.Path.EndsWith("/orgs/me", StringComparison.Ordinal))
            cell = kind.Column switch { Column.Superadmin => "409", Column.Elsewhere => Cell(line.Row, kind.AtHome), _ => cell };
        return cell is "✓" or "own" ? line.Success : int.Parse(cell, null);
    }
}
