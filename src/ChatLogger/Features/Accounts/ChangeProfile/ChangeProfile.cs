using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>PATCH /users/me: a member changes their own name, e-mail address or password.</summary>
internal static class ChangeProfile
{
    public static void Map(IEndpointRouteBuilder session) =>
        session.MapPatch("/users/me", async (Body<Request> body, Session caller, Actor actor, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(body.Value.By(caller, actor), ct)))
            .WithMetadata(new ProblemsMetadata(ProblemType.EmailTaken))
            .WithSummary("Change your own account.")
            .WithDescription(
                "A new e-mail address or password needs currentPassword and ends your other sessions. An empty name removes the name.");

    public sealed record Request(string? Name = null, string? Email = null, string? CurrentPassword = null, string? NewPassword = null)
    {
        public Command By(Session caller, Actor actor) =>
            new(caller.UserId, caller.OrgId, caller.Id, Name, Email, CurrentPassword, NewPassword, actor);
    }

    public sealed record Command(
        Guid UserId, Guid? OrgId, Guid SessionId, string? Name, string? Email, string? CurrentPassword, string? NewPassword, Actor Actor)
        : IRequest<Profile>
    {
        public bool ChangesCredentials => Email is not null || NewPassword is not null;
    }

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(change => change.Name).AtMostCharacters(limits.NameLength);
            RuleFor(change => change.Email)
                .Must(email => email is null || EmailAddress.Normalize(email) is not null)
                .WithMessage($"Must be an e-mail address of at most {EmailAddress.MaxLength} characters.");
            RuleFor(change => change.NewPassword).NewPassword();
            RuleFor(change => change.CurrentPassword).Required().When(change => change.ChangesCredentials);
        }
    }

    public sealed class Handler(
        NpgsqlDataSource db,
        PasswordHashingQueue passwords,
        LoginLockout failures,
        IdGenerator ids,
        RateLimiters rateLimiters,
        AuditLog audit
    ) : IRequestHandler<Command, Profile>
    {
        public async Task<Profile> Handle(Command command, CancellationToken ct)
        {
            if (command.Email is not null && rateLimiters.MayTryEmail(command.Actor) is { } pause)
                throw ProblemException.Throttled("Too many of the e-mail addresses that you named were taken. Try again later.", pause);
            string? checkedHash = null;
            var attempt = LoginAttempt.InSession(command.UserId);
            if (command.ChangesCredentials)
            {
                // Rate limits attempts, so that the thief of a session cannot guess the password.
                if ((await failures.Check(attempt, ct)).Account is { } wait)
                    throw await TooMany(command, wait, ct);
                checkedHash = await db.ReadSingleOrDefaultAsync<string>("select password_hash from users where id = @UserId", command, ct);
                if (!await passwords.Verify(command.CurrentPassword!, checkedHash, ct))
                    throw await Wrong(command, attempt, ct);
            }

            var newHash = command.NewPassword is { } password ? await passwords.Hash(password, ct) : null;
            Profile.Row? row;
            try
            {
                // The transaction rechecks what was checked before, and ends the other sessions together with the change.
                row = await db.InTransactionAsync(
                    async transaction =>
                    {
                        if (command.ChangesCredentials)
                        {
                            // Concurrent attempts may have failed while this password was checked.
                            if ((await failures.LockCounters(transaction, attempt)).Account is { } wait)
                                throw Locked(wait);
                            await LoginLockout.Reset(transaction, attempt);
                            // Serializes with logins: one with the old password has either committed, so that its session is ended below,
                            // or will see the new password.
                            await transaction.ExecuteAsync("select from users where id = @UserId for no key update", command);
                        }
                        var changed = await transaction.QuerySingleOrDefaultAsync<Profile.Row>(
                            $"""
                            with member as (
                                update users
                                set name = case when @Name is null then name else nullif(@Name, '') end,
                                    email = coalesce(@Email, email),
                                    password_hash = coalesce(@NewHash, password_hash),
                                    updated_at = @Now
                                where id = @UserId
                                  and removed_at is null
                                  and (@CheckedHash is null or password_hash = @CheckedHash)
                                returning id, org_id, email, name, role, disabled_at, created_at
                            ), ended as (
                                delete from sessions
                                using member
                                where user_id = member.id
                                  and sessions.id <> @SessionId
                                  and @EndOthers
                            )
                            select {Profile.Columns}
                            from member u
                            left join organizations o on o.id = u.org_id
                            """,
                            new
                            {
                                command.UserId,
                                command.SessionId,
                                command.Name,
                                Email = EmailAddress.Normalize(command.Email),
                                NewHash = newHash,
                                CheckedHash = checkedHash,
                                EndOthers = command.ChangesCredentials,
                                ids.Next().Now,
                            });
                        if (changed is not null)
                            await audit.Write(
                                transaction,
                                AuditEvent.OfMember(command.OrgId, command.Actor, AuditAction.MemberChanged, command.UserId));
                        return changed;
                    },
                    ct);
            }
            catch (PostgresException taken) when (taken.ConstraintName == "users_email_key")
            {
                rateLimiters.EmailWasTaken(command.Actor);
                await audit.WriteRefusal(AuditEvent.OfMember(command.OrgId, command.Actor, AuditAction.EmailTaken, command.UserId), ct);
                throw ProblemException.EmailTaken();
            }

            return row?.ToProfile() ?? throw ProblemException.Validation("currentPassword", "Is not your current password.");
        }

        private async Task<ProblemException> Wrong(Command command, LoginAttempt attempt, CancellationToken ct)
        {
            var lockout = await db.InTransactionAsync(
                async transaction =>
                {
                    var lockout = await failures.LockCounters(transaction, attempt);
                    if (lockout.Account is null)
                        await LoginLockout.CountFailure(transaction, attempt);
                    return lockout;
                },
                ct);
            return lockout.Account is { } wait
                ? await TooMany(command, wait, ct)
                : ProblemException.Validation("currentPassword", "Is not your current password.");
        }

        private async Task<ProblemException> TooMany(Command command, TimeSpan wait, CancellationToken ct)
        {
            await audit.WriteRefusal(AuditEvent.OfMember(command.OrgId, command.Actor, AuditAction.Throttled, command.UserId), ct);
            return Locked(wait);
        }

        private static ProblemException Locked(TimeSpan wait) =>
            ProblemException.Throttled("Too many wrong passwords. Try again when the time in Retry-After has passed.", wait);
    }
}
