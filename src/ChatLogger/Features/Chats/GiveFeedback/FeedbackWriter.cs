using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>The feedback on a message, or on the chat if MessageId is null.</summary>
internal sealed record NewFeedback(Guid ChatId, Guid? MessageId, Feedback Feedback, Idempotency? IdempotencyKey);

/// <summary>Stores feedback, many at a time; of several on the same message or chat the last one wins.</summary>
internal sealed class FeedbackWriter(NpgsqlDataSource db, OrganizationLog organizationLog, IngestSettings settings, TimeProvider time)
{
    /// <summary>The route that Idempotency-Keys are stored under.</summary>
    private const string Route = "batch-feedback";

    // The chats are selected by organization, which is the tenant check. A replaced rating is stored in feedback_replaced, so that the
    // rollups can subtract it if they have counted it.
    private const string Give =
        $"""
        with item as materialized (
            select n.no::int, n.seq, n.chat_id, n.message_id, n.rating, n.comment, n.at, n.key, n.body_sha256
            from unnest(@Seqs, @Chats, @Messages::uuid[], @Ratings, @Comments, @Times::timestamptz[], @Keys, @Hashes)
                with ordinality as n(seq, chat_id, message_id, rating, comment, at, key, body_sha256, no)
        ), target as materialized (
            select i.no, i.seq, coalesce(m.id, c.id) as id, c.id as chat_id, i.rating, i.comment, i.at, i.key, i.body_sha256
            from item i
            join chats c on c.org_id = @OrgId and c.id = i.chat_id
            left join messages m on m.org_id = @OrgId and m.chat_id = c.id and m.id = i.message_id
            where c.deleted_at is null
              and (i.message_id is null or m.id is not null)
        ), stored as (
            {BulkInsertKeys.Insert}
            select @OrgId, @Route, t.chat_id, t.key, decode(t.body_sha256, 'hex'), t.id, @Now
            from target t
            where t.key is not null
            {BulkInsertKeys.OnConflict}
            returning parent_id, key
        ), due as (
            select t.no, t.seq, t.id, t.chat_id, t.rating, t.comment, t.at,
                   row_number() over (partition by t.id order by t.no desc) as place
            from target t
            where t.key is null
               or exists (select from stored s where s.parent_id = t.chat_id and s.key = t.key)
        ), replaced as (
            insert into feedback_replaced (org_id, until_seq, seq, chat_id, rating, at)
            select @OrgId, d.seq, f.seq, f.chat_id, f.rating, f.at
            from due d
            join feedback f on f.org_id = @OrgId and f.target_id = d.id
            where d.place = 1
        ), given as (
            insert into feedback as f (org_id, target_id, seq, chat_id, rating, comment, at)
            select @OrgId, id, seq, chat_id, rating, comment, at
            from due
            where place = 1
            on conflict (org_id, target_id) do update
            set rating = excluded.rating, comment = excluded.comment, at = excluded.at, seq = excluded.seq
        )
        select t.no, t.id as target_id, d.no is null as is_duplicate
        from target t
        left join due d on d.no = t.no
        """;

    /// <summary>Stores feedback of one organization and returns the result of each. What is stored is committed.</summary>
    public async Task<BatchItemResult[]> Write(Guid orgId, IReadOnlyList<NewFeedback> feedback, CancellationToken ct)
    {
        var results = new BatchItemResult[feedback.Count];
        // The same Idempotency-Key cannot be stored twice by one statement; the next one finds what the first has stored.
        for (List<int> waiting = [.. Enumerable.Range(0, feedback.Count)]; waiting.Count > 0;)
        {
            var now = waiting.DistinctBy(i => feedback[i].IdempotencyKey is { } key ? $"{feedback[i].ChatId}{key.Key}" : $"{i}").ToList();
            foreach (var (index, result) in now.Zip(await WriteDistinct(orgId, now.ConvertAll(i => feedback[i]), ct)))
                results[index] = result;
            waiting = [.. waiting.Except(now)];
        }
        return results;
    }

    private async Task<IReadOnlyList<BatchItemResult>> WriteDistinct(Guid orgId, List<NewFeedback> feedback, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        object Parameters(long[] seqs) => new
        {
            OrgId = orgId,
            Seqs = seqs,
            Chats = feedback.Select(each => each.ChatId).ToArray(),
            Messages = feedback.Select(each => each.MessageId?.ToString()!).ToArray(),
            Ratings = feedback.Select(each => each.Feedback.Rating).ToArray(),
            Comments = feedback.Select(each => each.Feedback.Comment!).ToArray(),
            Times = feedback.Select(each => each.Feedback.At.ToString("O", null)).ToArray(),
            Keys = feedback.Select(each => each.IdempotencyKey?.Key!).ToArray(),
            Hashes = feedback
                .Select(each => each.IdempotencyKey is { } key ? Convert.ToHexStringLower(key.BodyHash.Stored) : null!)
                .ToArray(),
            Route,
            Now = now,
            forgotten = now - settings.KeyRetention,
        };
        return await db.InTransactionAsync(
            async transaction =>
            {
                var seqs = await organizationLog.Lock(transaction, orgId, feedback.Count);
                var rows = await transaction.QueryAsync<Row>(Give, Parameters(seqs));
                var known = await Known(transaction, orgId, rows, feedback);
                var found = rows.ToDictionary(row => row.No);
                return feedback.Select((each, i) => ResultOf(each, found.GetValueOrDefault(i + 1), known)).ToList();
            },
            ct);
    }

    private static BatchItemResult ResultOf(NewFeedback feedback, Row? row, Dictionary<int, byte[]> known)
    {
        if (row is null)
            return new(default, false, ProblemException.NotFound(
                feedback.MessageId is null ? "No such chat in this organization." : "No such message in this chat."));
        if (!row.IsDuplicate)
            return new(row.TargetId, false, null);
        return feedback.IdempotencyKey!.BodyHash.Matches(known.GetValueOrDefault(row.No))
            ? new(row.TargetId, true, null)
            : new(default, false, ProblemException.IdempotencyKeyReused());
    }

    // The hashes of the bodies that came with the Idempotency-Keys before.
    private static async Task<Dictionary<int, byte[]>> Known(
        Sql.Transaction transaction, Guid orgId, IReadOnlyList<Row> rows, List<NewFeedback> feedback)
    {
        var asked = rows.Where(row => row.IsDuplicate).Select(row => feedback[row.No - 1]).ToList();
        if (asked.Count == 0)
            return [];
        var known = await transaction.QueryAsync<KnownKey>(
            """
            select i.parent_id, i.key, i.body_sha256
            from unnest(@Chats, @Keys) as k(chat_id, key)
            join idempotency_keys i on i.org_id = @OrgId and i.route = @Route and i.parent_id = k.chat_id and i.key = k.key
            """,
            new
            {
                OrgId = orgId,
                Route,
                Chats = asked.Select(each => each.ChatId).ToArray(),
                Keys = asked.Select(each => each.IdempotencyKey!.Key).ToArray(),
            });
        var hashes = known.ToDictionary(each => (each.ParentId, each.Key), each => each.BodySha256);
        return rows
            .Where(row => row.IsDuplicate)
            .ToDictionary(row => row.No, row => hashes[(feedback[row.No - 1].ChatId, feedback[row.No - 1].IdempotencyKey!.Key)]);
    }

    private sealed record Row(int No, Guid TargetId, bool IsDuplicate);

    private sealed record KnownKey(Guid ParentId, string Key, byte[] BodySha256);
}
