using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// POST /orgs/me/users: an admin creates a member of the organization. The command line, the bootstrap settings and the first start use the
/// same command, also for superadmins, who belong to no organization.
/// </summary>
internal static class CreateMember
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost("/users", async (Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
            {
                var member = await sender.Send(body.Value.By(caller, actor), ct);
                return TypedResults.Created($"/orgs/{caller.OrgInPath}/users/{member.Id}", member);
            })
            .WithMetadata(new ProblemsMetadata(ProblemType.EmailTaken))
            .WithSummary("Make a member.")
            .WithDescription(
                $"role: admin, user, viewer. password: {PasswordHashingQueue.MinBytes} to {PasswordHashingQueue.MaxBytes} bytes in UTF-8. "
                    + "An e-mail address belongs to one member of all organizations together.");

    public sealed record Request(string Email, string Role, string Password, string? Name = null)
    {
        public Command By(Member caller, Actor actor) => new(caller.OrgId, Email, Name, Role, Password, actor);
    }

    public sealed record Command(Guid? OrgId, string Email, string? Name, string Role, string Password, Actor Actor) : IRequest<Profile>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(member => member.Email)
                .Must(email => EmailAddress.Normalize(email) is not null)
                .WithMessage($"Must be an e-mail address of at most {EmailAddress.MaxLength} characters.");
            RuleFor(member => member.Name).AtMostCharacters(limits.NameLength);
            RuleFor(member => member.Role)
                .Must((member, role) => member.OrgId is null ? role == MemberRole.Superadmin : MemberRole.IsOfOrganization(role))
                .WithMessage("Must be one of: admin, user, viewer.");
            RuleFor(member => member.Password).Required();
            RuleFor(member => member.Password).NewPassword();
        }
    }

    public sealed class Handler(
        NpgsqlDataSource db,
        PasswordHashingQueue passwords,
        IdGenerator ids,
        RateLimiters rateLimiters,
        AuditLog audit
    ) : IRequestHandler<Command, Profile>
    {
        public async Task<Profile> Handle(Command command, CancellationToken ct)
        {
            if (rateLimiters.MayTryEmail(command.Actor) is { } wait)
                throw ProblemException.Throttled("Too many of the e-mail addresses that you named were taken. Try again later.", wait);
            // Hashing is expensive and other callers wait for it, so check first whether the address is taken.
            if (await db.ReadSingleOrDefaultAsync<bool>(
                "select exists (select from users where email = @Email)", new { Email = EmailAddress.Normalize(command.Email) }, ct))
                throw await EmailTaken(command, ct);
            var hash = await passwords.Hash(command.Password, ct);
            var (id, now) = ids.Next();
            try
            {
                return await db.InTransactionAsync(
                    async transaction =>
                    {
                        var member = await transaction.QuerySingleOrDefaultAsync<Profile.Row>(
                            $"""
                            with member as (
                                insert into users (id, org_id, email, name, role, password_hash, created_at, updated_at)
                                values (@Id, @OrgId, @Email, @Name, @Role, @Hash, @Now, @Now)
                                returning id, org_id, email, name, role, disabled_at, created_at
                            )
                            select {Profile.Columns}
                            from member u
                            left join organizations o on o.id = u.org_id
                            """,
                            new
                            {
                                Id = id,
                                command.OrgId,
                                Email = EmailAddress.Normalize(command.Email),
                                Name = command.Name.NullIfEmpty(),
                                command.Role,
                                Hash = hash,
                                Now = now,
                            });
                        await audit.Write(transaction, AuditEvent.OfMember(command.OrgId, command.Actor, AuditAction.MemberCreated, id));
                        return member!.ToProfile();
                    },
                    ct);
            }
            catch (PostgresException taken) when (taken.ConstraintName == "users_email_key")
            {
                throw await EmailTaken(command, ct);
            }
        }

        private async Task<ProblemException> EmailTaken(Command command, CancellationToken ct)
        {
            rateLimiters.EmailWasTaken(command.Actor);
            if (command.OrgId is { } orgId)
                await audit.WriteRefusal(AuditEvent.OfOrganization(orgId, command.Actor, AuditAction.EmailTaken), ct);
            return ProblemException.EmailTaken();
        }
    }
}
