using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Redaction;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>A piece of what a sender tells of something, by its own id. Members that are null say nothing.</summary>
internal sealed record EventPiece(string Source, string Id, Dictionary<string, string?> Members)
{
    private static readonly string[] Names = ["conversation", "sessionId", "traceId", "parent"];

    /// <summary>The names of conversations that it may belong to.</summary>
    public IEnumerable<string> Conversations() => Names.Select(name => Members.GetValueOrDefault(name)).OfType<string>().Append(Id)
        .Where(id => id.Length > 0)
        .Select(ForeignIds.Conversation);
}

/// <summary>
/// Keeps what integrations are told in pieces, over several requests and on several instances, until it is complete: see the migration
/// 0026.
/// </summary>
internal sealed class EventStore(
    NpgsqlDataSource db, OrganizationSecrets secrets, Tombstones tombstones, Instruments instruments, TimeProvider time)
{
    /// <summary>The longest id that a sender may give, in characters.</summary>
    public const int MaxIdLength = 200;

    /// <summary>
    /// Adds the pieces to what is known, and returns all that is known of these things. What belongs to a conversation that is gone is
    /// dropped.
    /// </summary>
    public async Task<Dictionary<(string Source, string Id), JsonElement>> Merge(
        PluginCaller caller, IEnumerable<EventPiece> sent, CancellationToken ct)
    {
        var pieces = await WithoutGone(caller.OrgId, [.. sent], ct);
        // One row for each: a statement cannot change a row twice. The order is the same everywhere, so that two requests cannot deadlock.
        var rows = pieces.GroupBy(piece => (piece.Source, piece.Id))
            .OrderBy(group => group.Key.Source, StringComparer.Ordinal)
            .ThenBy(group => group.Key.Id, StringComparer.Ordinal)
            .Select(group => (group.Key.Source, group.Key.Id, Body: JsonSerializer.Serialize(Merged(group, caller.Policy.Redactor))))
            .ToList();
        if (rows.Count == 0)
            return [];
        var merged = await db.InTransactionAsync(async transaction => await transaction.QueryAsync<Row>(
            """
            insert into integration_events as known (org_id, source, id, body, updated_at)
            select @OrgId, n.source, n.id, n.body::jsonb, @Now
            from unnest(@Sources, @Ids, @Bodies) with ordinality as n(source, id, body, no)
            order by n.no
            on conflict (org_id, source, id) do update set body = known.body || excluded.body, updated_at = excluded.updated_at
            returning source, id, body::text as body
            """,
            new
            {
                caller.OrgId,
                Now = time.GetUtcNow(),
                Sources = rows.Select(row => row.Source).ToArray(),
                Ids = rows.Select(row => row.Id).ToArray(),
                Bodies = rows.Select(row => row.Body).ToArray(),
            }), ct);
        return merged.ToDictionary(row => (row.Source, row.Id), row => JsonElement.Parse(row.Body));
    }

    // A trace of a session that is gone is gone itself: what is sent of it later does not name the session.
    private async Task<List<EventPiece>> WithoutGone(Guid orgId, List<EventPiece> sent, CancellationToken ct)
    {
        if (sent.Count == 0)
            return sent;
        var secret = await secrets.Of(orgId, ct);
        var gone = await tombstones.Gone(db, orgId, secret, sent.SelectMany(piece => piece.Conversations()), ct);
        if (gone.Count == 0)
            return sent;
        var traces = sent.Where(piece => piece.Source == LangfuseEvent.Traces && piece.Conversations().Any(gone.Contains))
            .Select(piece => ForeignIds.Conversation(piece.Id)).ToList();
        await db.InTransactionAsync(
            async transaction =>
            {
                await tombstones.Add(transaction, orgId, secret, traces);
                return true;
            },
            ct);
        gone.UnionWith(traces);
        var kept = sent.FindAll(piece => !piece.Conversations().Any(gone.Contains));
        instruments.Dropped(sent.Count - kept.Count);
        return kept;
    }

    /// <summary>Returns what is known of these things; what is not known is left out.</summary>
    public async Task<Dictionary<string, JsonElement>> Find(Guid orgId, string source, IEnumerable<string> ids, CancellationToken ct)
    {
        var asked = ids.Distinct(StringComparer.Ordinal).ToArray();
        if (asked.Length == 0)
            return [];
        var rows = await db.ReadAsync<Row>(
            """
            select source, id, body::text as body
            from integration_events
            where org_id = @OrgId
              and source = @Source
              and id = any(@Ids)
            """,
            new { OrgId = orgId, Source = source, Ids = asked },
            ct);
        return rows.ToDictionary(row => row.Id, row => JsonElement.Parse(row.Body));
    }

    /// <summary>Forgets what is complete.</summary>
    public async Task Remove(Guid orgId, string source, IReadOnlyCollection<string> ids, CancellationToken ct)
    {
        if (ids.Count == 0)
            return;
        await db.ExecuteAsync(
            """
            delete from integration_events
            where org_id = @OrgId
              and source = @Source
              and id in (
                  select id
                  from integration_events
                  where org_id = @OrgId
                    and source = @Source
                    and id = any(@Ids)
                  order by id
                  for update
              )
            """,
            new { OrgId = orgId, Source = source, Ids = ids.ToArray() },
            ct);
    }

    // What was said is redacted before it waits here, and the texts of JSON stay JSON.
    private static Dictionary<string, string> Merged(IEnumerable<EventPiece> pieces, Redactor? redactor)
    {
        var merged = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in pieces.SelectMany(piece => piece.Members))
        {
            if (value is null)
                continue;
            var text = StorableText.Of(value);
            merged[name] = redactor is not null && IsSaid(name) ? redactor.RedactTextOrJson(text) : text;
        }
        return merged;
    }

    private static bool IsSaid(string name) => name is "input" or "output" or "statusMessage";

    private sealed record Row(string Source, string Id, string Body);
}
