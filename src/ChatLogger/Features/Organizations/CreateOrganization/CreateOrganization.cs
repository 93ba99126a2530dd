using System.Text.RegularExpressions;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>A new organization, from the command line, the bootstrap settings or the first start.</summary>
internal static partial class CreateOrganization
{
    public sealed record Command(string Slug, string Name, string? TimeZone) : IRequest<Guid>;

    public sealed partial class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(organization => organization.Slug)
                .Must(slug => slug is not null && Slug().IsMatch(slug))
                .WithMessage("Must have 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.");
            RuleFor(organization => organization.Name).Required();
            RuleFor(organization => organization.Name).AtMostCharacters(limits.NameLength);
            RuleFor(organization => organization.TimeZone)
                .Must(zone => zone is null || TimeZones.Find(zone) is not null)
                .WithMessage(TimeZones.Sentence);
        }

        [GeneratedRegex("^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])\\z", RegexOptions.CultureInvariant)]
        private static partial Regex Slug();
    }

    public sealed class Handler(NpgsqlDataSource db, Ids ids) : IRequestHandler<Command, Guid>
    {
        public async Task<Guid> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            try
            {
                await db.ExecuteAsync(
                    """
                    insert into organizations (id, slug, name, time_zone, created_at)
                    values (@Id, @Slug, @Name, @TimeZone, @Now)
                    """,
                    new { Id = id, command.Slug, command.Name, TimeZone = command.TimeZone ?? "UTC", Now = now },
                    ct);
            }
            catch (PostgresException taken) when (taken.ConstraintName == "organizations_slug_key")
            {
                throw Problem.SlugTaken();
            }
            return id;
        }
    }
}
