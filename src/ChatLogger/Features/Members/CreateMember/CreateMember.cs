using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>A new member of an organization, or a superadmin, from the command line, the bootstrap settings or the first start.</summary>
internal static class CreateMember
{
    public sealed record Command(Guid? OrgId, string Email, string? Name, string Role, string Password) : IRequest<Guid>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(member => member.Email)
                .Must(email => EmailAddress.Normalize(email) is not null)
                .WithMessage($"Must be an e-mail address of at most {EmailAddress.MostCharacters} characters.");
            RuleFor(member => member.Name).AtMostCharacters(limits.NameLength);
            RuleFor(member => member.Role)
                .Must((member, role) => member.OrgId is null ? role == MemberRole.Superadmin : MemberRole.IsOfOrganization(role))
                .WithMessage("Must be one of: admin, user, viewer.");
            RuleFor(member => member.Password).Required();
            RuleFor(member => member.Password).NewPassword();
        }
    }

    public sealed class Handler(NpgsqlDataSource db, Passwords passwords, Ids ids) : IRequestHandler<Command, Guid>
    {
        public async Task<Guid> Handle(Command command, CancellationToken ct)
        {
            var hash = await passwords.Hash(command.Password, ct);
            var (id, now) = ids.Next();
            try
            {
                await db.ExecuteAsync(
                    """
                    insert into users (id, org_id, email, name, role, password_hash, created_at, updated_at)
                    values (@Id, @OrgId, @Email, @Name, @Role, @Hash, @Now, @Now)
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
                    },
                    ct);
            }
            catch (PostgresException taken) when (taken.ConstraintName == "users_email_key")
            {
                throw Problem.EmailTaken();
            }
            return id;
        }
    }
}
