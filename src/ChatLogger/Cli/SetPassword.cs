using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Cli;

/// <summary>
/// The command <c>user set-password</c>: resets a forgotten password, also a superadmin's. It ends all sessions and a lockout.
/// </summary>
internal static class SetPassword
{
    public sealed record Command(string Email, string Password, Actor Actor) : IRequest;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(change => change.Password).NewPassword();
    }

    public sealed class Handler(NpgsqlDataSource db, PasswordHashingQueue passwords, IdGenerator ids, AuditLog audit)
        : IRequestHandler<Command>
    {
        public async Task Handle(Command command, CancellationToken ct)
        {
            var email = EmailAddress.Normalize(command.Email);
            var member = await db.ReadSingleOrDefaultAsync<Member>(
                "select id, org_id from users where email = @Email and removed_at is null", new { Email = email }, ct)
                ?? throw ProblemException.NotFound("No member has this e-mail address.");
            var hash = await passwords.Hash(command.Password, ct);
            await db.InTransactionAsync(
                async transaction =>
                {
                    var changed = await transaction.ExecuteAsync(
                        """
                        with ended as (
                            delete from sessions
                            where user_id = @Id
                        )
                        update users
                        set password_hash = @Hash,
                            updated_at = @Now
                        where id = @Id
                          and org_id is not distinct from @OrgId
                          and removed_at is null
                        """,
                        new { member.Id, member.OrgId, Hash = hash, ids.Next().Now });
                    if (changed == 0)
                        throw ProblemException.NotFound("No member has this e-mail address.");
                    await LoginLockout.Reset(transaction, LoginAttempt.AtLogin(command.Email, default));
                    await audit.Write(transaction, AuditEvent.OfMember(member.OrgId, command.Actor, AuditAction.MemberChanged, member.Id));
                    return true;
                },
                ct);
        }

        private sealed record Member(Guid Id, Guid? OrgId);
    }
}
