using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /auth/login: a member opens a session with e-mail and password.</summary>
internal static class Login
{
    public static void Map(IEndpointRouteBuilder open) =>
        open.MapPost("/auth/login", async (Body<Request> body, HttpContext context, SessionCookie cookie, ISender sender, CancellationToken ct) =>
            {
                var response = await sender.Send(new Command(body.Value.Email, body.Value.Password, ProblemWriter.TraceId(context)), ct);
                cookie.Write(context, response.Token, response.Lifetime);
                return TypedResults.Ok(response.Profile);
            })
            .WithMetadata(new BodyLimit(limits => limits.LoginBodyBytes))
            .WithSummary("Log in.")
            .WithDescription("Sets the session cookie. Whatever is wrong with e-mail or password, the answer is the same 401.");

    public sealed record Request(string Email, string Password);

    public sealed record Command(string Email, string Password, string TraceId) : IRequest<Response>;

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

    public sealed class Handler(
        NpgsqlDataSource db, Passwords passwords, SessionTokens tokens, SessionSettings settings, Ids ids, ILoggerFactory logs)
        : IRequestHandler<Command, Response>
    {
        private readonly ILogger _log = logs.CreateLogger("ChatLogger.Security");

        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var member = await db.QuerySingleOrDefaultAsync<Row>(
                """
                select u.id, u.org_id, u.password_hash, u.disabled_at is null and o.deleted_at is null as may_log_in
                from users u
                left join organizations o on o.id = u.org_id
                where u.email = @Email
                """,
                new { Email = EmailAddress.Normalize(command.Email) },
                ct);

            // An unknown address costs the same work as a known one, and a disabled member learns nothing.
            if (!await passwords.Verify(command.Password, member?.PasswordHash, ct) || member is not { MayLogIn: true })
            {
                SecurityEvents.LoginRefused(_log, member?.Id, command.TraceId);
                throw Problem.Unauthenticated("E-mail address or password is not right.");
            }

            var (sessionId, now) = ids.Next();
            var expires = now + settings.Lifetime;
            var rehashed = passwords.NeedsRehash(member.PasswordHash!) ? await passwords.Hash(command.Password, ct) : null;
            // One statement: the session exists only if the password that was checked is still the member's.
            var profile = await db.QuerySingleOrDefaultAsync<Profile.Row>(
                $"""
                with member as (
                    update users
                    set password_hash = coalesce(@Rehashed, password_hash)
                    where id = @MemberId
                      and password_hash = @PasswordHash
                      and disabled_at is null
                    returning id, org_id, email, name, role, disabled_at, created_at
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
                new { MemberId = member.Id, member.PasswordHash, Rehashed = rehashed, SessionId = sessionId, Now = now, Expires = expires },
                ct) ?? throw Problem.Unauthenticated("E-mail address or password is not right.");

            SecurityEvents.LoggedIn(_log, member.Id, member.OrgId, command.TraceId);
            return new(profile.ToProfile(), tokens.Write(sessionId, member.Id, now, expires), settings.Lifetime);
        }
    }

    private sealed record Row(Guid Id, Guid? OrgId, string PasswordHash, bool MayLogIn);
}
