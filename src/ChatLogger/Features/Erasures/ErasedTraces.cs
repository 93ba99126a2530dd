using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Removes what integrations have been told of erased conversations: which trace or run belongs to them, and calls that are not complete,
/// also those that name nothing but the end user, or that came while their conversation was being removed.
/// </summary>
internal sealed class ErasedTraces(NpgsqlDataSource db, OrganizationSecrets secrets, Tombstones tombstones, GonePieces pieces)
{
    private const int PageRows = 1_000;

    public async Task Remove(PendingErasure erasure, CancellationToken ct)
    {
        // What the version before has stored says only in its body what it belongs to.
        var gone = new HashSet<string>(StringComparer.Ordinal);
        foreach (var source in EventPiece.Sources)
        {
            for (var after = ""; ;)
            {
                var page = await Page(erasure.OrgId, source, after, ct);
                if (page.Count == 0)
                    break;
                var found = await Gone(erasure, page, gone, ct);
                if (found.Count > 0)
                    await pieces.Remove(erasure.OrgId, found, ct);
                gone.UnionWith(found);
                after = page[^1].Id;
            }
        }
    }

    private async Task<List<string>> Gone(PendingErasure erasure, IReadOnlyList<Row> page, HashSet<string> gone, CancellationToken ct)
    {
        var conversations = page.ToDictionary(row => row.Id, row => row.Conversations().ToList(), StringComparer.Ordinal);
        List<string> names = [.. conversations.Values.SelectMany(each => each).Distinct(StringComparer.Ordinal)];
        gone.UnionWith(await tombstones.Gone(db, erasure.OrgId, await secrets.Of(erasure.OrgId, ct), names, ct));
        gone.UnionWith(await db.ReadAsync<string>(
            """
            select external_id
            from erased_ids
            where org_id = @OrgId
              and erasure_id = @Id
              and kind = 'chat'
              and external_id = any(@ExternalIds)
            """,
            new { erasure.OrgId, erasure.Id, ExternalIds = names.ToArray() },
            ct));
        return
        [
            .. page.Where(row => conversations[row.Id].Exists(gone.Contains)
                || (row.UserId is not null && row.UserId == erasure.ExternalUserId && row.UpdatedAt <= erasure.CreatedAt))
                .Select(row => ForeignIds.Conversation(row.Id)),
        ];
    }

    private Task<IReadOnlyList<Row>> Page(Guid orgId, string source, string after, CancellationToken ct) =>
        db.ReadAsync<Row>(
            """
            select id, body ->> 'conversation' as conversation, body ->> 'sessionId' as session_id, body ->> 'traceId' as trace_id,
                   body ->> 'parent' as parent, body ->> 'userId' as user_id, updated_at
            from integration_events
            where org_id = @OrgId
              and source = @Source
              and id > @After
            order by id
            limit @PageRows
            """,
            new { OrgId = orgId, Source = source, After = after, PageRows },
            ct);

    private sealed record Row(
        string Id, string? Conversation, string? SessionId, string? TraceId, string? Parent, string? UserId, DateTimeOffset UpdatedAt)
    {
        /// <summary>The names of conversations that it may belong to.</summary>
        public IEnumerable<string> Conversations()
        {
            yield return ForeignIds.Conversation(Id);
            if (Conversation is not null)
                yield return Conversation;
            if (SessionId is not null)
                yield return ForeignIds.Conversation(SessionId);
            if (TraceId is not null)
                yield return ForeignIds.Conversation(TraceId);
            if (Parent is not null)
                yield return ForeignIds.Conversation(Parent);
        }
    }
}
