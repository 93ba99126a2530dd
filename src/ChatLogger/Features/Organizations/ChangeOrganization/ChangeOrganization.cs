using System.Text.Json;
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
    private const string Description =
        "The name cannot be removed; an empty settings.timeZone is UTC again. settings.prices are the prices of a million prompt and "
        + "completion tokens by model, for the costs in the summary; they are replaced whole. The slug never changes.";

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
        public Command For(string slug, Actor actor) =>
            new(slug, Name, Settings?.TimeZone is "" ? "UTC" : Settings?.TimeZone, Settings?.Prices, actor);
    }

    public sealed record Settings(string? TimeZone = null, Dictionary<string, Price>? Prices = null);

    /// <summary>What a million tokens of a model cost: from 0 to 10,000, with at most 6 decimal places.</summary>
    public sealed record Price(decimal? Prompt = null, decimal? Completion = null);

    public sealed record Command(
        string Slug, string? Name, string? TimeZone, IReadOnlyDictionary<string, Price>? Prices, Actor Actor)
        : IRequest<Organization>;

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
            RuleFor(change => change.Prices).Custom((prices, context) =>
            {
                if (prices is null)
                    return;
                if (prices.Count > limits.PricedModels)
                    context.AddFailure(PricesPath, $"May have at most {limits.PricedModels} models.");
                if (prices.Keys.Any(model => model.Length == 0 || model.EnumerateRunes().Count() > limits.ModelLength))
                    context.AddFailure(PricesPath, $"The name of a model must have from 1 to {limits.ModelLength} characters.");
                foreach (var (model, price) in prices)
                {
                    if (price is null || !IsPrice(price.Prompt) || !IsPrice(price.Completion))
                        context.AddFailure(
                            PricesPath,
                            $"{model} must have prompt and completion, each from 0 to {MaxPrice} with at most 6 decimal places.");
                }
            });
        }

        private const string PricesPath = "settings.prices";

        private static bool IsPrice(decimal? price) => price is >= 0 and <= MaxPrice && decimal.Round(price.Value, 6) == price;
    }

    private const int MaxPrice = 10_000;

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
                            time_zone = coalesce(@TimeZone, time_zone),
                            prices = coalesce(@Prices, prices)
                        where slug = @Slug
                          and deleted_at is null
                          and (name <> @Name or time_zone <> @TimeZone or prices <> @Prices)
                        returning {Organization.Columns}
                        """,
                        new
                        {
                            command.Slug,
                            command.Name,
                            command.TimeZone,
                            Prices = command.Prices is null ? null : JsonSerializer.Serialize(Ordered(command.Prices), Json.Options),
                        });
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

        // The same prices in another order, or with other zeros at their ends, are no change.
        private static SortedDictionary<string, ModelPrice> Ordered(IReadOnlyDictionary<string, Price> prices) => new(
            prices.ToDictionary(
                price => price.Key, price => new ModelPrice(Trimmed(price.Value.Prompt!.Value), Trimmed(price.Value.Completion!.Value))),
            StringComparer.Ordinal);

        private static decimal Trimmed(decimal price) => price / 1.0000000000000000000000000000m;
    }
}
