using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Removes what integrations have been told of erased conversations: which trace or run belongs to them, and calls that are not complete.
/// The ids of these traces and runs leave tombstones, because by themselves they stand for a conversation.
/// </summary>
internal sealed class ErasedTraces(
    NpgsqlDataSource db, OrganizationLog organizationLog, OrganizationSecrets secrets, Tombstones tombstones)
{
    private const int PageRows = 1_000;

    public async Task Remove(PendingErasure erasure, CancellationToken ct)
    {
        var traces = new HashSet<string>(StringComparer.Ordinal);
        // A generation names its trace only, so traces come first.
        foreach (var source in new[] { LangfuseEvent.Traces, LunaryEvent.Messages, LunaryEvent.Runs, LangfuseEvent.Generations })
        {
            for (var after = ""; ;)
            {
                var page = await Page(erasure.OrgId, source, after, ct);
                if (page.Count == 0)
                    break;
                var gone = await Gone(erasure, page, traces, ct);
                if (gone.Count > 0)
                    await Remove(erasure.OrgId, source, gone, ct);
                if (source == LangfuseEvent.Traces)
                    traces.UnionWith(gone);
                after = page[^1].Id;
            }
        }
    }

    private async Task<List<string>> Gone(
        PendingErasure erasure, IReadOnlyList<Row> page, HashSet<string> traces, CancellationToken ct)
    {
        var conversations = page.ToDictionary(row => row.Id, row => row.Conversations().ToList(), StringComparer.Ordinal);
        var erased = (await db.ReadAsync<string>(
            """
            select external_id
            from erased_ids
            where org_id = @OrgId
              and erasure_id = @Id
              and kind = 'chat'
              and external_id = any(@ExternalIds)
            """,
            new { erasure.OrgId, erasure.Id, ExternalIds = conversations.Values.SelectMany(ids => ids).Distinct().ToArray() },
            ct)).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. page.Where(row => conversations[row.Id].Exists(erased.Contains)
                || (row.TraceId is not null && traces.Contains(row.TraceId))
                || (row.UserId is not null && row.UserId == erasure.ExternalUserId && row.UpdatedAt <= erasure.CreatedAt))
                .Select(row => row.Id),
        ];
    }

    private async Task Remove(Guid orgId, string source, List<string> ids, CancellationToken ct)
    {
        var secret = await secrets.Of(orgId, ct);
        await db.InTransactionAsync(
            async transaction =>
            {
                await organizationLog.Lock(transaction, orgId);
                await tombstones.Add(transaction, orgId, secret, ids.Select(ForeignIds.Conversation));
                return await transaction.ExecuteAsync(
                    "delete from integration_events where org_id = @OrgId and source = @Source and id = any(@Ids)",
                    new { OrgId = orgId, Source = source, Ids = ids.ToArray() });
            },
            ct);
    }

    private Task<IReadOnlyList<Row>> Page(Guid orgId, string source, string after, CancellationToken ct) =>
        db.ReadAsync<Row>(
            """
            select id, body ->> 'conversation' as conversation, body ->> 'sessionId' as session_id, body ->> 'traceId' as trace_id,
                   body ->> 'userId' as user_id, updated_at
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
        string Id, string? Conversation, string? SessionId, string? TraceId, string? UserId, DateTimeOffset UpdatedAt)
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
        }
    }
}
