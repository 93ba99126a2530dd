using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /auth/login: a member opens a session with e-mail and password.</summary>
internal static partial class Login
{
    public static void Map(IEndpointRouteBuilder open) =>
        open.MapPost("/auth/login", async (Body<Request> body, HttpContext context, Actor actor, SessionCookie cookie, ISender sender, CancellationToken ct) =>
            {
                var response = await sender.Send(new Command(body.Value.Email, body.Value.Password, ClientAddress.Of(context), actor.TraceId), ct);
                cookie.Write(context, response.Token, response.Lifetime);
                return TypedResults.Ok(response.Profile);
            })
            .WithMetadata(new BodyLimit(limits => limits.LoginBodyBytes), new ResponseMetadata(200, "Set-Cookie"))
            .WithSummary("Log in.")
            .WithDescription(
                "Sets the session cookie. Whatever is wrong with e-mail or password, the answer is the same 401. After 10 failures in 15 minutes an account is "
                + "locked for the rest of them, which looks the same; after 30 from one address the answer is 429.");

    public sealed record Request(string Email, string Password);

    public sealed record Command(string Email, string Password, ClientAddress Address, string TraceId) : IRequest<Response>;

    public sealed record Response(Profile Profile, string Token, TimeSpan Lifetime);

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            // The shape only: what a right e-mail address or password looks like is nobody's business here.
            RuleFor(login => login.Email).Required();
            RuleFor(login => login.Password).Required();
        }
    }

    public sealed partial class Handler(
        NpgsqlDataSource db,
        PasswordHashingQueue passwords,
        LoginLockout failures,
        SessionTokens tokens,
        SessionSettings settings,
        IdGenerator ids,
        AuditLog audit,
        ILogger<Handler> log)
        : IRequestHandler<Command, Response>
    {
        // Unknown, wrong, disabled, locked, and right but locked: the same statements, one hash, the same answer.
        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var attempt = LoginAttempt.AtLogin(command.Email, command.Address);
            if ((await failures.Check(attempt, ct)).Address is { } wait)
                throw await TooMany(command, wait, ct);
            var member = await db.QuerySingleOrDefaultAsync<Row>(
                """
                select u.id, u.org_id, u.password_hash, u.disabled_at is null and o.deleted_at is null as may_log_in
                from users u
                left join organizations o on o.id = u.org_id
                where u.email = @Email
                """,
                new { Email = EmailAddress.Normalize(command.Email) },
                ct);
            var isRight = await passwords.Verify(command.Password, member?.PasswordHash, ct) & member is { MayLogIn: true };

            var (sessionId, now) = ids.Next();
            var expires = now + settings.Lifetime;
            var (profile, tooMany) = await db.InTransactionAsync<(Profile.Row?, TimeSpan?)>(
                async transaction =>
                {
                    // What was known before the password was checked may have changed since; from here on it does not.
                    var lockout = await failures.LockCounters(transaction, attempt);
                    if (lockout.Address is not null)
                        return (null, lockout.Address);
                    if (isRight && lockout.Account is null && await Open(transaction, member!, sessionId, now, expires) is { } opened)
                    {
                        await LoginLockout.Reset(transaction, attempt);
                        var actor = Actor.OfUser(opened.Id, opened.Role, command.TraceId);
                        await audit.Write(transaction, AuditEvent.OfMember(opened.OrgId, actor, AuditAction.LoggedIn, opened.Id));
                        return (opened, null);
                    }
                    await LoginLockout.CountFailure(transaction, attempt);
                    return (null, null);
                },
                ct);
            if (tooMany is { } pause)
                throw await TooMany(command, pause, ct);
            if (profile is null)
            {
                // Nobody waits for it: only of somebody there is something to be written down, and the time that takes would tell.
                var refusal = new AuditEvent(member?.OrgId, Actor.Anonymous(command.TraceId), AuditAction.LoginRefused, "member", member?.Id.ToString());
                _ = Task.Run(() => audit.WriteRefusal(refusal, CancellationToken.None), CancellationToken.None);
                throw ProblemException.Unauthenticated("E-mail address or password is not right.");
            }

            if (passwords.NeedsRehash(member!.PasswordHash))
                await Renew(member, command.Password, ct);
            return new(profile.ToProfile(), tokens.Write(sessionId, member.Id, now, expires), settings.Lifetime);
        }

        // One statement: the session exists only if the password that was checked is still the member's.
        private static Task<Profile.Row?> Open(Sql.Transaction transaction, Row member, Guid sessionId, DateTimeOffset now, DateTimeOffset expires) =>
            transaction.QuerySingleOrDefaultAsync<Profile.Row>(
                $"""
                with member as (
                    select id, org_id, email, name, role, disabled_at, created_at
                    from users
                    where id = @MemberId
                      and password_hash = @PasswordHash
                      and disabled_at is null
                    for no key update
                ), expired as (
                    delete from sessions
                    where user_id = @MemberId
                      and expires_at <= @Now
                ), opened as (
                    insert into sessions (id, user_id, created_at, expires_at)
                    select @SessionId, id, @Now, @Expires
                    from member
                )
                select {Profile.Columns}
                from member u
                left join organizations o on o.id = u.org_id
                """,
                new { MemberId = member.Id, member.PasswordHash, SessionId = sessionId, Now = now, Expires = expires });

        // A hash of a cheaper time. Once the session is open, so that the second hash tells nothing to who does not get in.
        private async Task Renew(Row member, string password, CancellationToken ct)
        {
            try
            {
                await db.ExecuteAsync(
                    """
                    update users
                    set password_hash = @Renewed
                    where id = @Id
                      and password_hash = @PasswordHash
                    """,
                    new { member.Id, member.PasswordHash, Renewed = await passwords.Hash(password, ct) },
                    ct);
            }
            // The session is open and audited, so the login has succeeded whatever becomes of the hash: the next one has another try.
            catch (Exception failure)
            {
                NotRenewed(log, failure.GetType().Name);
            }
        }

        private async Task<ProblemException> TooMany(Command command, TimeSpan wait, CancellationToken ct)
        {
            await audit.WriteRefusal(AuditEvent.OfRoute(null, Actor.Anonymous(command.TraceId), AuditAction.Throttled, "POST /auth/login"), ct);
            return ProblemException.Throttled("Too many wrong passwords from this address. Try again when the time in Retry-After has passed.", wait);
        }

        [LoggerMessage(LogLevel.Warning, "A password's hash of an older kind could not be renewed for now: {Exception}")]
        private static partial void NotRenewed(ILogger log, string exception);
    }

    private sealed record Row(Guid Id, Guid? OrgId, string PasswordHash, bool MayLogIn);
}
