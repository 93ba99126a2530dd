using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// PATCH /orgs/me: an admin changes the organization's name or settings; PATCH /orgs/{slug}: a superadmin any organization's.
/// </summary>
internal static class ChangeOrganization
{
    private const string Description = "The name cannot be removed; an empty settings.timeZone is UTC again. The slug never changes.";

    public static void MapOwn(IEndpointRouteBuilder admins) =>
        admins.MapPatch("", async (Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(body.Value.For(caller.OrgSlug, actor), ct)))
            .WithName("ChangeOwnOrganization")
            .WithSummary("Change your organization.")
            .WithDescription($"{Description} A superadmin has none (409) and changes one by slug.");

    public static void Map(IEndpointRouteBuilder superadmins) =>
        superadmins.MapPatch("/orgs/{slug}", async (string slug, Body<Request> body, Actor actor, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(body.Value.For(slug, actor), ct)))
            .WithSummary("Change an organization.")
            .WithDescription(Description);

    public sealed record Request(string? Name = null, Settings? Settings = null)
    {
        public Command For(string slug, Actor actor) => new(slug, Name, Settings?.TimeZone is "" ? "UTC" : Settings?.TimeZone, actor);
    }

    public sealed record Settings(string? TimeZone = null);

    public sealed record Command(string Slug, string? Name, string? TimeZone, Actor Actor) : IRequest<Organization>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(change => change.Name).Must(name => name is not "").WithMessage("Cannot be removed.");
            RuleFor(change => change.Name).AtMostCharacters(limits.NameLength);
            RuleFor(change => change.TimeZone)
                .Must(zone => zone is null || TimeZones.Find(zone) is not null)
                .WithMessage(TimeZones.Sentence)
                .OverridePropertyName("settings.timeZone");
        }
    }

    public sealed class Handler(NpgsqlDataSource db, AuditLog audit) : IRequestHandler<Command, Organization>
    {
        public async Task<Organization> Handle(Command command, CancellationToken ct)
        {
            var row = await db.InTransactionAsync(
                async transaction =>
                {
                    // A request that changes no value is not a change, so it is not audited.
                    var changed = await transaction.QuerySingleOrDefaultAsync<Organization.Row>(
                        $"""
                        update organizations
                        set name = coalesce(@Name, name),
                            time_zone = coalesce(@TimeZone, time_zone)
                        where slug = @Slug
                          and deleted_at is null
                          and (name <> @Name or time_zone <> @TimeZone)
                        returning {Organization.Columns}
                        """,
                        command);
                    if (changed is not null)
                        await audit.Write(
                            transaction,
                            AuditEvent.OfOrganization(changed.Id, command.Actor, AuditAction.OrganizationChanged));
                    return changed
                        ?? await transaction.QuerySingleOrDefaultAsync<Organization.Row>(
                            $"""
                            select {Organization.Columns}
                            from organizations
                            where slug = @Slug
                              and deleted_at is null
                            """,
                            command);
                },
                ct);
            return row?.ToOrganization() ?? throw ProblemException.NotFound("No such organization.");
        }
    }
}
