using System.Text.RegularExpressions;
using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Redaction;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /orgs: a superadmin creates an organization; so do the command line, the bootstrap settings and the first start.</summary>
internal static partial class CreateOrganization
{
    public static void Map(IEndpointRouteBuilder superadmins) =>
        superadmins.MapPost("/orgs", async (Body<Request> body, Actor actor, ISender sender, CancellationToken ct) =>
            {
                var organization = await sender.Send(body.Value.By(actor), ct);
                return TypedResults.Created($"/orgs/{organization.Slug}", organization);
            })
            .WithMetadata(new ProblemsMetadata(ProblemType.SlugTaken))
            .WithSummary("Make an organization.")
            .WithDescription(
                "slug: 3 to 63 lower-case letters, digits and hyphens, never to be changed; that of a deleted organization stays taken. "
                + "settings.timeZone: an IANA name, default UTC.");

    public sealed record Request(string Slug, string Name, Settings? Settings = null)
    {
        public Command By(Actor actor) => new(Slug, Name, Settings?.TimeZone.NullIfEmpty(), actor);
    }

    public sealed record Settings(string? TimeZone = null);

    public sealed record Command(string Slug, string Name, string? TimeZone, Actor Actor) : IRequest<Organization>;

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
                .WithMessage(TimeZones.Sentence)
                .OverridePropertyName("settings.timeZone");
        }

        [GeneratedRegex("^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])\\z", RegexOptions.CultureInvariant)]
        private static partial Regex Slug();
    }

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, AuditLog audit, OrganizationLog organizationLog)
        : IRequestHandler<Command, Organization>
    {
        public async Task<Organization> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            var made = new Organization(
                id, command.Slug, command.Name,
                new(command.TimeZone ?? "UTC", null, RedactionSettings.Off, OrganizationSettings.PricesOf(null)), now);
            try
            {
                await db.InTransactionAsync(
                    async transaction =>
                    {
                        await transaction.ExecuteAsync(
                            """
                            insert into organizations (id, slug, name, time_zone, created_at)
                            values (@Id, @Slug, @Name, @TimeZone, @CreatedAt)
                            """,
                            new { made.Id, made.Slug, made.Name, made.Settings.TimeZone, made.CreatedAt });
                        await audit.Write(transaction, AuditEvent.OfOrganization(id, command.Actor, AuditAction.OrganizationCreated));
                        return made;
                    },
                    ct);
                await organizationLog.Ensure(id, ct);
                return made;
            }
            catch (PostgresException taken) when (taken.ConstraintName == "organizations_slug_key")
            {
                throw ProblemException.SlugTaken();
            }
        }
    }
}
