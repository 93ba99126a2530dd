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
        session.MapPatch("/users/me", async (Body<Request> body, Session caller, HttpContext context, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(body.Value.By(caller, ProblemWriter.TraceId(context)), ct)))
            .WithSummary("Change your own account.")
            .WithDescription("A new e-mail address or password needs currentPassword and ends your other sessions. An empty name removes the name.");

    public sealed record Request(string? Name = null, string? Email = null, string? CurrentPassword = null, string? NewPassword = null)
    {
        public Command By(Session caller, string traceId) =>
            new(caller.UserId, caller.OrgId, caller.Id, Name, Email, CurrentPassword, NewPassword, traceId);
    }

    public sealed record Command(
        Guid UserId, Guid? OrgId, Guid SessionId, string? Name, string? Email, string? CurrentPassword, string? NewPassword, string TraceId)
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
                .WithMessage($"Must be an e-mail address of at most {EmailAddress.MostCharacters} characters.");
            RuleFor(change => change.NewPassword).NewPassword();
            RuleFor(change => change.CurrentPassword).Required().When(change => change.ChangesCredentials);
        }
    }

    public sealed class Handler(NpgsqlDataSource db, Passwords passwords, Ids ids, ILoggerFactory logs) : IRequestHandler<Command, Profile>
    {
        private readonly ILogger _log = logs.CreateLogger("ChatLogger.Security");

        public async Task<Profile> Handle(Command command, CancellationToken ct)
        {
            string? checkedHash = null;
            if (command.ChangesCredentials)
            {
                checkedHash = await db.QuerySingleOrDefaultAsync<string>("select password_hash from users where id = @UserId", command, ct);
                if (!await passwords.Verify(command.CurrentPassword!, checkedHash, ct))
                    throw Problem.Validation("currentPassword", "Is not your current password.");
            }

            var newHash = command.NewPassword is { } password ? await passwords.Hash(password, ct) : null;
            Profile.Row? row;
            try
            {
                // What was checked must still be so when it is changed; and the other sessions end with the very change.
                row = await db.QuerySingleOrDefaultAsync<Profile.Row>(
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
                    },
                    ct);
            }
            catch (PostgresException taken) when (taken.ConstraintName == "users_email_key")
            {
                throw Problem.EmailTaken();
            }

            SecurityEvents.MemberChanged(_log, "member " + command.UserId, command.OrgId, command.UserId, command.TraceId);
            return row?.ToProfile() ?? throw Problem.Validation("currentPassword", "Is not your current password.");
        }
    }
}
