using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.LiveEvents;

/// <summary>What streams ask the database for.</summary>
internal sealed class LiveQueries(NpgsqlDataSource db, TimeProvider time)
{
    // A limit and an order for each kind, so that each is read from its index, however far the number is behind.
    private const string Events =
        """
        select e.seq, e.kind, e.chat_id, e.message_id,
               case when e.kind in ('chat.changed', 'chat.deleted') then e.user_id else c.user_id end as user_id
        from (
            (select seq, 'chat.created' as kind, id as chat_id, null::uuid as message_id, null::uuid as user_id
             from chats
             where org_id = @OrgId and seq > @After and seq <= @UpTo
             order by seq
             limit @Limit)
            union all
            (select seq, 'message.created', chat_id, id, null
             from messages
             where org_id = @OrgId and seq > @After and seq <= @UpTo
             order by seq
             limit @Limit)
            union all
            (select seq, 'feedback.given', chat_id, nullif(target_id, chat_id), null
             from feedback
             where org_id = @OrgId and seq > @After and seq <= @UpTo
             order by seq
             limit @Limit)
            union all
            (select seq, case when deleted then 'chat.deleted' else 'chat.changed' end, chat_id, null, user_id
             from organization_events
             where org_id = @OrgId and seq > @After and seq <= @UpTo
             order by seq
             limit @Limit)
        ) e
        left join chats c on c.org_id = @OrgId and c.id = e.chat_id
        order by e.seq
        limit @Limit
        """;

    // A session counts as long as its member could log in again with the same role, as SessionAuthenticator decides.
    private const string Live =
        """
        select k.no::int
        from unnest(@Sessions, @Roles, @Orgs) with ordinality as k(session_id, role, org_id, no)
        join sessions s on s.id = k.session_id
        join users u on u.id = s.user_id and u.role = k.role
        join organizations o on o.id = k.org_id
        where s.expires_at > @Now
          and u.disabled_at is null
          and u.removed_at is null
          and o.deleted_at is null
        """;

    /// <summary>
    /// Reads the events of an organization after one number and up to another. Null: there are more than <paramref name="most"/>.
    /// </summary>
    public async Task<IReadOnlyList<LiveEvent>?> Read(Guid orgId, long after, long upTo, int most, CancellationToken ct)
    {
        var rows = await db.ReadAsync<Row>(Events, new { OrgId = orgId, After = after, UpTo = upTo, Limit = most + 1 }, ct);
        if (rows.Count > most)
            return null;
        var now = time.GetUtcNow();
        return [.. rows.Select(row => new LiveEvent(
            row.Seq, row.UserId, LiveEvent.Format(row.Kind, LiveEventId.Write(orgId, row.Seq, now), row.ChatId, row.MessageId)))];
    }

    /// <summary>Returns which of the listeners still have the rights that they had, by their place in the list.</summary>
    public async Task<IReadOnlySet<int>> WithRights(IReadOnlyList<LiveListener> listeners, CancellationToken ct)
    {
        var places = await db.ReadAsync<int>(
            Live,
            new
            {
                Sessions = listeners.Select(listener => listener.SessionId).ToArray(),
                Roles = listeners.Select(listener => listener.Role).ToArray(),
                Orgs = listeners.Select(listener => listener.OrgId).ToArray(),
                Now = time.GetUtcNow(),
            },
            ct);
        return places.Select(no => no - 1).ToHashSet();
    }

    private sealed record Row(long Seq, string Kind, Guid ChatId, Guid? MessageId, Guid? UserId);
}
