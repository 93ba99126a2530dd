using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Records what was deleted of conversations in the audit log and on stored exports, in the transaction of the deletion. Where
/// conversations are on other nodes than audit log and exports, the transaction writes a row of the organization's outbox, which is
/// delivered after it.
/// </summary>
internal sealed partial class ConversationAudit(NpgsqlDataSource db, AuditLog audit, Engine engine, ILogger<ConversationAudit> log)
    : PeriodicJob(TimeSpan.FromSeconds(30))
{
    /// <summary>Records an event, and that stored exports must not show a chat any more as it was.</summary>
    public async Task Write(Sql.Transaction transaction, AuditEvent audited, Guid? changedChatId = null)
    {
        if (engine.IsDistributed)
        {
            await audit.WriteToOutbox(transaction, audited, changedChatId);
            return;
        }
        if (changedChatId is { } chatId)
            await ExportMembership.Removed(transaction, audited.OrgId!.Value, [chatId]);
        await audit.Write(transaction, audited);
    }

    /// <summary>Delivers the outbox of an organization. What cannot be delivered now is delivered later.</summary>
    public async Task Deliver(Guid orgId, CancellationToken ct)
    {
        if (!engine.IsDistributed)
            return;
        try
        {
            await DeliverAll(orgId, ct);
        }
        catch (Exception failure) when (failure is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            Failed(failure);
        }
    }

    /// <summary>Delivers what an instance left behind that was killed after its transaction.</summary>
    public override async Task Run(CancellationToken ct)
    {
        if (!engine.IsDistributed)
            return;
        var organizations = await db.ReadAsync<Guid>(
            "select l.org_id from organization_log l where exists (select from outbox o where o.org_id = l.org_id)", new { }, ct);
        foreach (var orgId in organizations)
            await DeliverAll(orgId, ct);
    }

    public override void Failed(Exception failure) => CannotDeliver(log, failure.GetType().Name);

    // Repeated if the service is killed in between: an event that is there stays, and what is outdated stays so.
    private async Task DeliverAll(Guid orgId, CancellationToken ct)
    {
        var events = await db.ReadAsync<OutboxEvent>(
            """
            select org_id, id, at, actor_type, actor_id, action, target_type, target_id, trace_id, changed_chat_id
            from outbox
            where org_id = @OrgId
            order by id
            limit 100
            """,
            new { OrgId = orgId },
            ct);
        foreach (var pending in events)
        {
            await db.InTransactionAsync(
                async transaction =>
                {
                    await AuditLog.Deliver(transaction, pending);
                    if (pending.ChangedChatId is { } chatId)
                        await ExportMembership.Removed(transaction, orgId, [chatId]);
                    return true;
                },
                ct);
            await db.ExecuteAsync("delete from outbox where org_id = @OrgId and id = @Id", new { OrgId = orgId, pending.Id }, ct);
        }
    }

    [LoggerMessage(LogLevel.Warning, "What was deleted could not be recorded in the audit log; retrying: {Exception}")]
    private static partial void CannotDeliver(ILogger log, string exception);
}
