using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// PATCH /orgs/me/users/{userId}: an admin changes a member's name, role or password, or disables or enables the member.
/// </summary>
internal static class ChangeMember
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPatch(
                "/users/{userId}",
                async (PathId userId, Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(await sender.Send(body.Value.By(caller, userId, actor), ct)))
            .WithMetadata(new ProblemsMetadata(ProblemType.LastAdmin))
            .WithSummary("Change a member.")
            .WithDescription(
                "role: admin, user, viewer. A role holds from the member's next request on; a new password, or disabled: true, ends all "
                    + "their sessions. An empty name removes the name. The last active admin can be neither demoted nor disabled (409 "
                    + "last-admin)."
            );

    public sealed record Request(string? Name = null, string? Role = null, bool? Disabled = null, string? Password = null)
    {
        public Command By(Member caller, Guid memberId, Actor actor) =>
            new(caller.OrgId, memberId, caller.UserId, Name, Role, Disabled, Password, actor);
    }

    public sealed record Command(
        Guid OrgId, Guid MemberId, Guid CallerId, string? Name, string? Role, bool? Disabled, string? Password, Actor Actor)
        : IRequest<Profile>
    {
        public bool EndsSessions => Password is not null || Disabled == true;

        public bool TakesAdmin => Disabled == true || Role is not (null or MemberRole.Admin);

        public bool Changes(LockedMember member) =>
            Password is not null
            || (Name is not null && Name.NullIfEmpty() != member.Name)
            || (Role is not null && Role != member.Role)
            || (Disabled is not null && Disabled != member.Disabled);
    }

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(change => change.Name).AtMostCharacters(limits.NameLength);
            RuleFor(change => change.Role)
                .Must(role => role is null || MemberRole.IsOfOrganization(role))
                .WithMessage("Must be one of: admin, user, viewer.");
            RuleFor(change => change.Password).NewPassword();
            // Someone who finds an admin's open session must not be able to take over the account.
            RuleFor(change => change.Password)
                .Must((change, password) => password is null || change.MemberId != change.CallerId)
                .WithMessage("Change your own password with PATCH /users/me.");
        }
    }

    public sealed class Handler(NpgsqlDataSource db, PasswordHashingQueue passwords, IdGenerator ids, AuditLog audit)
        : IRequestHandler<Command, Profile>
    {
        public async Task<Profile> Handle(Command command, CancellationToken ct)
        {
            // Hashing is expensive and other callers wait for it, so check first that the member exists.
            if (command.Password is not null && !await Exists(command, ct))
                throw NoSuchMember();
            var hash = command.Password is { } password ? await passwords.Hash(password, ct) : null;
            var row = await db.InTransactionAsync(
                async transaction =>
                {
                    if (await LockedMember.Lock(transaction, command.OrgId, command.MemberId) is not { } member)
                        return null;
                    if (command.Changes(member))
                    {
                        if (command.TakesAdmin && member.IsLastAdmin)
                            throw ProblemException.LastAdmin();
                        await Change(transaction, command, hash);
                    }
                    return await transaction.QuerySingleOrDefaultAsync<Profile.Row>(
                        $"""
                        select {Profile.Columns}
                        from users u
                        join organizations o on o.id = u.org_id
                        where u.org_id = @OrgId
                          and u.id = @MemberId
                        """,
                        command);
                },
                ct);
            return row?.ToProfile() ?? throw NoSuchMember();
        }

        private Task<bool> Exists(Command command, CancellationToken ct) => db.ReadSingleOrDefaultAsync<bool>(
            """
            select exists (
                select
                from users
                where org_id = @OrgId
                  and id = @MemberId
                  and removed_at is null
            )
            """,
            command,
            ct);

        private static ProblemException NoSuchMember() => ProblemException.NotFound("No such member in this organization.");

        private async Task Change(Sql.Transaction transaction, Command command, string? hash)
        {
            // A login that was in flight when the member was locked has committed its session, which is deleted here; a later login sees
            // the new state.
            await transaction.ExecuteAsync(
                """
                with ended as (
                    delete from sessions
                    where user_id = @MemberId
                      and @EndsSessions
                )
                update users
                set name = case when @Name is null then name else nullif(@Name, '') end,
                    role = coalesce(@Role, role),
                    disabled_at = case when @Disabled is null then disabled_at when @Disabled then coalesce(disabled_at, @Now) end,
                    password_hash = coalesce(@Hash, password_hash),
                    updated_at = @Now
                where org_id = @OrgId
                  and id = @MemberId
                """,
                new
                {
                    command.OrgId,
                    command.MemberId,
                    command.Name,
                    command.Role,
                    command.Disabled,
                    command.EndsSessions,
                    Hash = hash,
                    ids.Next().Now,
                });
            await audit.Write(transaction, AuditEvent.OfMember(command.OrgId, command.Actor, AuditAction.MemberChanged, command.MemberId));
        }
    }
}
