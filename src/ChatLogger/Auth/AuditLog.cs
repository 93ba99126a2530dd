using System.Collections.Concurrent;
using ChatLogger.Data;
using Dapper;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>
/// Records actions: as a line in the log and as an event in the organization's audit log. A change and its audit event are written in the
/// same transaction, so neither exists without the other.
/// </summary>
internal sealed partial class AuditLog(NpgsqlDataSource db, IdGenerator ids, TimeProvider time, ILoggerFactory logs) : IAsyncDisposable
{
    /// <summary>Repeated refusals of the same actor and action within this interval are recorded once.</summary>
    private static readonly TimeSpan RefusalInterval = TimeSpan.FromMinutes(1);

    /// <summary>The number of actors that are tracked in memory; beyond it the oldest entries are evicted.</summary>
    private const int MaxTrackedRefusals = 10_000;

    private const string Insert =
        """
        insert into audit_events (org_id, id, at, actor_type, actor_id, action, target_type, target_id, trace_id, chat_id)
        select @OrgId, @Id, @Now, @ActorType, @ActorId, @Action, @TargetType, @TargetId, @TraceId, @ChatId
        """;

    private readonly ILogger _log = logs.CreateLogger("ChatLogger.Security");
    private readonly ConcurrentDictionary<(string Actor, string Action), DateTimeOffset> _refused = new();
    private readonly ConcurrentDictionary<Task, bool> _background = new();

    /// <summary>Writes the event in the transaction of the audited change; the log line follows its commit.</summary>
    public async Task Write(Sql.Transaction transaction, AuditEvent audited)
    {
        if (audited.OrgId is not null)
            await transaction.ExecuteAsync(Insert, Row(audited));
        transaction.AfterCommit(() => Log(audited));
    }

    /// <summary>
    /// Writes the event into the outbox of its organization, in the transaction of the audited change, where conversations are on other
    /// nodes than the audit log; the log line follows the commit.
    /// </summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="audited">The event.</param>
    /// <param name="changedChatId">The chat that stored exports must not show any more as it was.</param>
    public async Task WriteToOutbox(Sql.Transaction transaction, AuditEvent audited, Guid? changedChatId)
    {
        var row = new DynamicParameters(Row(audited));
        row.Add("ChangedChatId", changedChatId);
        await transaction.ExecuteAsync(
            """
            insert into outbox (
                org_id, id, at, actor_type, actor_id, action, target_type, target_id, trace_id, changed_chat_id)
            values (
                @OrgId, @Id, @Now, @ActorType, @ActorId, @Action, @TargetType, @TargetId, @TraceId, @ChangedChatId)
            """,
            row);
        transaction.AfterCommit(() => Log(audited));
    }

    /// <summary>Writes what an outbox has into the audit log; what is there already stays as it is.</summary>
    public static Task Deliver(Sql.Transaction transaction, OutboxEvent pending) =>
        transaction.ExecuteAsync(
            """
            insert into audit_events (org_id, id, at, actor_type, actor_id, action, target_type, target_id, trace_id, chat_id)
            values (
                @OrgId, @Id, @At, @ActorType, @ActorId, @Action, @TargetType, @TargetId, @TraceId,
                coalesce(@ChangedChatId, case @TargetType when 'chat' then @TargetId::uuid end)
            )
            on conflict (org_id, id) do nothing
            """,
            pending);

    /// <summary>Makes the events of chats that are erased forget their targets.</summary>
    public static Task<int> Forget(Sql.Transaction transaction, Guid orgId, Guid[] chats) =>
        transaction.ExecuteAsync(
            """
            update audit_events
            set target_id = null,
                chat_id = null
            where org_id = @OrgId
              and chat_id = any(@Chats)
            """,
            new { OrgId = orgId, Chats = chats });

    /// <summary>Writes the event outside a transaction, for actions that change nothing in the database.</summary>
    public async Task Write(AuditEvent audited, CancellationToken ct)
    {
        if (audited.OrgId is not null)
            await db.ExecuteAsync(Insert, Row(audited), ct);
        Log(audited);
    }

    /// <summary>
    /// Records a refusal, once a minute per actor and action, because refused callers retry. Recording must not make the refusal itself
    /// fail, so the event is skipped when the database cannot take it.
    /// </summary>
    public async Task WriteRefusal(AuditEvent audited, CancellationToken ct)
    {
        var first = IsFirstWithinAMinute(audited);
        // Every refused login is logged, because operators count these lines to detect password guessing; the cost of hashing bounds their
        // number.
        if (first || audited.Action == AuditAction.LoginRefused)
            Log(audited);
        if (!first || audited.OrgId is null)
            return;
        try
        {
            await db.InTransactionAsync(
                async transaction =>
                {
                    // Other instances may refuse the same actor at the same time. The lock is a statement of its own, so that the snapshot
                    // of the next statement includes what the previous lock holder wrote.
                    await transaction.ExecuteAsync(
                        "select pg_advisory_xact_lock(hashtextextended(@Actor, 0))",
                        new { Actor = $"audit/{audited.OrgId}/{audited.Actor.Id ?? audited.TargetId}/{audited.Action}" });
                    return await transaction.ExecuteAsync(
                        $"""
                        {Insert}
                        where not exists (
                            select
                            from audit_events
                            where org_id = @OrgId
                              and actor_id is not distinct from @ActorId
                              and (actor_id is not null or target_id is not distinct from @TargetId)
                              and action = @Action
                              and at > @Since
                        )
                        """,
                        Row(audited));
                },
                ct);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            NotWritten(_log, audited.Action, exception.GetType().Name);
        }
    }

    /// <summary>
    /// Records a refusal after the answer, where the time that recording takes would tell the caller something. The service waits for it
    /// when it stops.
    /// </summary>
    public void WriteRefusalInBackground(AuditEvent audited)
    {
        var writing = Task.Run(() => WriteRefusal(audited, CancellationToken.None));
        _background[writing] = true;
        _ = writing.ContinueWith(
            done => _background.TryRemove(done, out _),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(_background.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private bool IsFirstWithinAMinute(AuditEvent audited)
    {
        var now = time.GetUtcNow();
        var key = ($"{audited.OrgId}/{audited.Actor.Type}/{audited.Actor.Id ?? audited.TargetId}", audited.Action);
        if (_refused.Count >= MaxTrackedRefusals)
        {
            foreach (var (old, _) in _refused.OrderBy(entry => entry.Value).Take(MaxTrackedRefusals / 10))
                _refused.TryRemove(old, out _);
        }
        var first = false;
        _refused.AddOrUpdate(
            key,
            _ =>
            {
                first = true;
                return now;
            },
            (_, at) =>
            {
                first = now - at >= RefusalInterval;
                return first ? now : at;
            });
        return first;
    }

    private object Row(AuditEvent audited)
    {
        var (id, now) = ids.Next();
        return new
        {
            audited.OrgId,
            Id = id,
            Now = now,
            ActorType = audited.Actor.Type,
            ActorId = audited.Actor.Id,
            audited.Action,
            audited.TargetType,
            audited.TargetId,
            audited.Actor.TraceId,
            audited.ChatId,
            Since = now - RefusalInterval,
        };
    }

    private void Log(AuditEvent audited)
    {
        var level = AuditAction.IsRefusal(audited.Action) ? LogLevel.Warning : LogLevel.Information;
        _log.Log(level, default, Fields(audited), null, static (fields, _) => Sentence(fields));
    }

    private static KeyValuePair<string, object?>[] Fields(AuditEvent audited) =>
    [
        new("Action", audited.Action),
        new("ActorType", audited.Actor.Type),
        new("ActorId", audited.Actor.Id),
        new("OrgId", audited.OrgId),
        new("TargetType", audited.TargetType),
        new("TargetId", audited.TargetId),
        new("TraceId", audited.Actor.TraceId.NullIfEmpty()),
    ];

    // Leaves out absent fields: a message template would print (null).
    private static string Sentence(KeyValuePair<string, object?>[] fields)
    {
        var (actor, target) = (Pair(fields[1].Value, fields[2].Value), Pair(fields[4].Value, fields[5].Value));
        var organization = fields[3].Value is { } orgId ? $" organization={orgId}" : "";
        var trace = fields[6].Value is { } traceId ? $" trace={traceId}" : "";
        return $"{fields[0].Value} actor={actor}{organization} target={target}{trace}";
    }

    private static string Pair(object? type, object? id) => id is null ? $"{type}" : $"{type}:{id}";

    [LoggerMessage(LogLevel.Warning, "The audit log could not take {Action}: {Exception}")]
    private static partial void NotWritten(ILogger log, string action, string exception);
}
