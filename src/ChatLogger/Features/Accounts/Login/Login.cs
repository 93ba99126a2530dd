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
    // In characters.
    private const int MaxUserAgent = 256;

    public static void Map(IEndpointRouteBuilder open) =>
        open.MapPost(
                "/auth/login",
                async (Body<Request> body, HttpContext context, Actor actor, SessionCookie cookie, ISender sender, CancellationToken ct) =>
                {
                    var response = await sender.Send(
                        new Command(body.Value.Email, body.Value.Password, ClientAddress.Of(context), actor.TraceId)
                        {
                            AddressText = ClientAddress.Text(context.Connection.RemoteIpAddress),
                            UserAgent = context.Request.Headers.UserAgent.ToString().NullIfEmpty().Beginning(MaxUserAgent),
                        },
                        ct);
                    cookie.Write(context, response.Token, response.Lifetime);
                    return TypedResults.Ok(response.Profile);
                })
            .WithMetadata(new BodyLimit(limits => limits.LoginBodyBytes), new ResponseMetadata(200, "Set-Cookie"))
            .WithSummary("Log in.")
            .WithDescription(
                "Sets the session cookie. Whatever is wrong with e-mail or password, the answer is the same 401. After 10 failures in 15 "
                    + "minutes an account is locked for the rest of them, which looks the same; after 30 from one address the answer is "
                    + "429.");

    public sealed record Request(string Email, string Password);

    public sealed record Command(string Email, string Password, ClientAddress Address, string TraceId) : IRequest<Response>
    {
        /// <summary>The whole address, for the list of sessions; null: there is none.</summary>
        public string? AddressText { get; init; }

        /// <summary>What the browser calls itself; null: it does not.</summary>
        public string? UserAgent { get; init; }
    }

    public sealed record Response(Profile Profile, string Token, TimeSpan Lifetime);

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            // Checks the shape only: the rules for e-mail addresses and passwords do not apply to a login.
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
        // Unknown account, wrong password, disabled, locked, and right but locked: all run the same statements and one hash, and get the
        // same response.
        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var attempt = LoginAttempt.AtLogin(command.Email, command.Address);
            if ((await failures.Check(attempt, ct)).Address is { } wait)
                throw await TooMany(command, wait, ct);
            var member = await db.ReadSingleOrDefaultAsync<Row>(
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
                    // The facts from before the password check may have changed; from here on locks keep them stable.
                    var lockout = await failures.LockCounters(transaction, attempt);
                    if (lockout.Address is not null)
                        return (null, lockout.Address);
                    if (isRight && lockout.Account is null
                        && await Open(transaction, command, member!, sessionId, now, expires) is { } opened)
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
                // Writes the audit event without waiting: it is only written for an existing member, so the time it takes would reveal that
                // the account exists.
                var refusal = new AuditEvent(
                    member?.OrgId,
                    Actor.Anonymous(command.TraceId),
                    AuditAction.LoginRefused,
                    "member",
                    member?.Id.ToString());
                audit.WriteRefusalInBackground(refusal);
                throw ProblemException.Unauthenticated("E-mail address or password is not right.");
            }

            if (passwords.NeedsRehash(member!.PasswordHash))
                await Renew(member, command.Password, ct);
            return new(profile.ToProfile(), tokens.Write(sessionId, member.Id, now, expires), settings.Lifetime);
        }

        // One statement: it creates the session only if the checked password is still the member's.
        private static Task<Profile.Row?> Open(
            Sql.Transaction transaction,
            Command command,
            Row member,
            Guid sessionId,
            DateTimeOffset now,
            DateTimeOffset expires) =>
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
                    insert into sessions (id, user_id, created_at, expires_at, address, user_agent)
                    select @SessionId, id, @Now, @Expires, @AddressText, @UserAgent
                    from member
                )
                select {Profile.Columns}
                from member u
                left join organizations o on o.id = u.org_id
                """,
                new
                {
                    MemberId = member.Id,
                    member.PasswordHash,
                    SessionId = sessionId,
                    Now = now,
                    Expires = expires,
                    command.AddressText,
                    command.UserAgent,
                });

        // Replaces a hash of lower cost. It runs after the session is open, so that the time of the second hash reveals nothing to a failed
        // login.
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
            // The session is open and audited, so the login has succeeded even if the rehash fails; the next login tries again.
            catch (Exception failure)
            {
                NotRenewed(log, failure.GetType().Name);
            }
        }

        private async Task<ProblemException> TooMany(Command command, TimeSpan wait, CancellationToken ct)
        {
            await audit.WriteRefusal(
                AuditEvent.OfRoute(null, Actor.Anonymous(command.TraceId), AuditAction.Throttled, "POST /auth/login"),
                ct);
            return ProblemException.Throttled(
                "Too many wrong passwords from this address. Try again when the time in Retry-After has passed.",
                wait);
        }

        [LoggerMessage(LogLevel.Warning, "An outdated password hash could not be renewed: {Exception}")]
        private static partial void NotRenewed(ILogger log, string exception);
    }

    private sealed record Row(Guid Id, Guid? OrgId, string PasswordHash, bool MayLogIn);
}
