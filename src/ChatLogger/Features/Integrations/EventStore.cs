using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Redaction;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>A piece of what a sender tells of something, by its own id. Members that are null say nothing.</summary>
internal sealed record EventPiece(string Source, string Id, Dictionary<string, string?> Members)
{
    /// <summary>What pieces are of.</summary>
    public static readonly string[] Sources =
        [LangfuseEvent.Traces, LunaryEvent.Messages, LunaryEvent.RunsOfMessages, LunaryEvent.Runs, LangfuseEvent.Generations];

    // What it is within, from the inside out.
    private static readonly string[] Names = ["parent", "traceId", "sessionId", "conversation"];

    /// <summary>What it is within: a conversation, or another piece. Null: it does not say.</summary>
    public string? BelongsTo => Names.Select(name => Members.GetValueOrDefault(name)).FirstOrDefault(id => !string.IsNullOrEmpty(id))
        is { } id ? ForeignIds.Conversation(id) : null;

    /// <summary>The names of conversations that it may belong to; its own id is one, because it may come by itself.</summary>
    public IEnumerable<string> Conversations() => Names.Select(name => Members.GetValueOrDefault(name)).OfType<string>().Append(Id)
        .Where(id => id.Length > 0)
        .Select(ForeignIds.Conversation);
}

/// <summary>
/// Keeps what integrations are told in pieces, over several requests and on several instances, until it is complete: see the migration
/// 0026.
/// </summary>
internal sealed class EventStore(
    NpgsqlDataSource db, OrganizationSecrets secrets, Tombstones tombstones, GonePieces gonePieces, Instruments instruments,
    TimeProvider time)
{
    /// <summary>The longest id that a sender may give, in characters.</summary>
    public const int MaxIdLength = 200;

    private static readonly string[] Said = ["input", "output", "statusMessage"];

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
            .Select(group => (
                group.Key.Source,
                group.Key.Id,
                Body: JsonSerializer.Serialize(Merged(group, caller.Policy.Redactor)),
                BelongsTo: group.Select(piece => piece.BelongsTo).LastOrDefault(name => name is not null)))
            .ToList();
        if (rows.Count == 0)
            return [];
        var merged = await db.InTransactionAsync(async transaction => await transaction.QueryAsync<Row>(
            """
            insert into integration_events as known (org_id, source, id, body, belongs_to, updated_at)
            select @OrgId, n.source, n.id, n.body::jsonb, n.belongs_to, @Now
            from unnest(@Sources, @Ids, @Bodies, @Owners) with ordinality as n(source, id, body, belongs_to, no)
            order by n.no
            on conflict (org_id, source, id) do update
            set body = known.body || excluded.body,
                belongs_to = coalesce(excluded.belongs_to, known.belongs_to),
                updated_at = excluded.updated_at
            returning source, id, body::text as body
            """,
            new
            {
                caller.OrgId,
                Now = time.GetUtcNow(),
                Sources = rows.Select(row => row.Source).ToArray(),
                Ids = rows.Select(row => row.Id).ToArray(),
                Bodies = rows.Select(row => row.Body).ToArray(),
                Owners = rows.Select(row => row.BelongsTo).ToArray(),
            }), ct);
        return merged.ToDictionary(row => (row.Source, row.Id), row => JsonElement.Parse(row.Body));
    }

    // What is within something that is gone is gone itself: what is sent of it later may name nothing but its own id.
    private async Task<List<EventPiece>> WithoutGone(Guid orgId, List<EventPiece> sent, CancellationToken ct)
    {
        if (sent.Count == 0)
            return sent;
        var secret = await secrets.Of(orgId, ct);
        var within = sent.SelectMany(piece => piece.Conversations().Select(name => (Name: name, Id: ForeignIds.Conversation(piece.Id))))
            .ToLookup(each => each.Name, each => each.Id, StringComparer.Ordinal);
        var gone = await tombstones.Gone(db, orgId, secret, within.Select(each => each.Key), ct);
        if (gone.Count == 0)
            return sent;
        var more = new List<string>();
        for (var names = new Queue<string>(gone); names.TryDequeue(out var name);)
        {
            foreach (var id in within[name].Where(gone.Add))
            {
                more.Add(id);
                names.Enqueue(id);
            }
        }
        await gonePieces.Drop(orgId, more, ct);
        var kept = sent.FindAll(piece => !piece.Conversations().Any(gone.Contains));
        instruments.Dropped(sent.Count - kept.Count);
        return kept;
    }

    /// <summary>Returns what is known of these things; what is not known is left out.</summary>
    public async Task<Dictionary<string, JsonElement>> Find(Guid orgId, string source, IEnumerable<string> ids, CancellationToken ct)
    {
        // Of an id that cannot be stored nothing is known.
        var asked = ids.Where(id => TextSafety.IsSafe(id)).Distinct(StringComparer.Ordinal).ToArray();
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

    /// <summary>
    /// Forgets what was said in what is complete. What it belongs to stays, so that a piece that comes again is known by its id alone.
    /// </summary>
    public async Task Complete(Guid orgId, string source, IReadOnlyCollection<string> ids, CancellationToken ct)
    {
        if (ids.Count == 0)
            return;
        await db.ExecuteAsync(
            """
            update integration_events
            set body = body - @Said
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
            new { OrgId = orgId, Source = source, Ids = ids.ToArray(), Said },
            ct);
    }

    // What was said is redacted before it waits here, and the texts of JSON stay JSON.
    private static Dictionary<string, string> Merged(IEnumerable<EventPiece> pieces, Redactor? redactor)
    {
        var merged = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in pieces.SelectMany(piece => piece.Members))
        {
            if (string.IsNullOrEmpty(value))
                continue;
            var text = StorableText.Of(value);
            merged[name] = redactor is not null && Said.Contains(name) ? redactor.RedactTextOrJson(text) : text;
        }
        return merged;
    }

    private sealed record Row(string Source, string Id, string Body);
}
