using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Purges the members of a deleted organization and their sessions. A bare row of each member stays, as after a removal, because the audit
/// log refers to its id. The e-mail address becomes available again.
/// </summary>
internal sealed class MemberPurger(NpgsqlDataSource db) : IOrganizationPurger
{
    public Task Deactivate(Sql.Transaction transaction, Guid orgId) =>
        transaction.ExecuteAsync(
            """
            delete from sessions
            where user_id in (select id from users where org_id = @OrgId)
            """,
            new { OrgId = orgId });

    public async Task<bool> Purge(Guid orgId, CancellationToken ct)
    {
        var piece = new { OrgId = orgId, IOrganizationPurger.BatchRows };
        // Removes the session of a login that was in flight; a removed member gets no later session.
        await db.ExecuteAsync(
            """
            delete from sessions
            where ctid = any(array(
                select sessions.ctid
                from sessions
                join users on users.id = sessions.user_id
                where users.org_id = @OrgId
                order by sessions.id
                limit @BatchRows
                for update of sessions skip locked
            ))
            """,
            piece,
            ct);
        await db.ExecuteAsync(
            """
            update users
            set email = null,
                name = null,
                password_hash = null,
                removed_at = coalesce(removed_at, date_trunc('milliseconds', now())),
                updated_at = date_trunc('milliseconds', now())
            where org_id = @OrgId
              and ctid = any(array(
                  select ctid
                  from users
                  where org_id = @OrgId
                    and (removed_at is null or name is not null)
                  order by id
                  limit @BatchRows
                  for update skip locked
              ))
            """,
            piece,
            ct);
        return await db.ReadSingleOrDefaultAsync<bool>(
            """
            select exists (
                select
                from users
                where org_id = @OrgId
                  and (removed_at is null or name is not null or exists (select from sessions where user_id = users.id))
            )
            """,
            piece,
            ct);
    }
}
