using System.Text.Json;
using System.Text.Json.Serialization;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Redaction;
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
        + "completion tokens by model, for the costs in the summary; they are replaced whole. settings.redaction says what is replaced by "
        + "its name in brackets before anything is stored: e-mail addresses, telephone numbers and so on, and what patterns of your own "
        + "match, which are regular expressions of .NET that match in linear time; it is replaced whole, too, and {} turns it off. It is "
        + "in force on every instance within 5 seconds, for what is written from then on. settings.retentionDays: a chat is removed when "
        + "its last message is older; 0 keeps chats for ever. The slug never changes.";

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
            new(slug, Name, Settings?.TimeZone is "" ? "UTC" : Settings?.TimeZone, Settings?.Prices, actor)
            {
                RetentionDays = Settings?.RetentionDays,
                Redaction = Settings?.Redaction,
            };
    }

    public sealed record Settings(
        string? TimeZone = null, int? RetentionDays = null, Redaction? Redaction = null, Dictionary<string, Price>? Prices = null);

    /// <summary>What is replaced before it is stored; without kinds and patterns nothing is.</summary>
    public sealed record Redaction(string[]? Kinds = null, Pattern[]? Patterns = null, bool? Metadata = null)
    {
        // The same kinds in another order are no change.
        public RedactionSettings ToSettings() => new(
            [.. RedactionKind.All.Where((Kinds ?? []).Contains)],
            [.. (Patterns ?? []).Select(pattern => new RedactionPattern(pattern.Name!, pattern.Expression!))],
            Metadata ?? false);
    }

    /// <summary>A regular expression of .NET; what it matches is replaced by the name in brackets.</summary>
    public sealed record Pattern(string? Name = null, [property: JsonPropertyName("pattern")] string? Expression = null);

    /// <summary>What a million tokens of a model cost: from 0 to 10,000, with at most 6 decimal places.</summary>
    public sealed record Price(decimal? Prompt = null, decimal? Completion = null);

    public sealed record Command(
        string Slug, string? Name, string? TimeZone, IReadOnlyDictionary<string, Price>? Prices, Actor Actor)
        : IRequest<Organization>
    {
        /// <summary>0: for ever; null: as it is.</summary>
        public int? RetentionDays { get; init; }

        public Redaction? Redaction { get; init; }
    }

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
            RuleFor(change => change.RetentionDays)
                .Must(days => days is null or (>= 0 and <= MaxRetentionDays))
                .WithMessage($"Must be from 1 to {MaxRetentionDays}, or 0 for ever.")
                .OverridePropertyName("settings.retentionDays");
            RuleFor(change => change.Redaction).Custom(new RedactionRules(limits).Check);
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

    private const int MaxPrice = 10_000, MaxRetentionDays = 3_650;

    public sealed class Handler(NpgsqlDataSource db, AuditLog audit, ApiKeyCache keys) : IRequestHandler<Command, Organization>
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
                            retention_days = case when @RetentionDays is null then retention_days else nullif(@RetentionDays, 0) end,
                            redaction = coalesce(@Redaction, redaction),
                            prices = coalesce(@Prices, prices)
                        where slug = @Slug
                          and deleted_at is null
                          and (name <> @Name or time_zone <> @TimeZone or redaction <> @Redaction or prices <> @Prices
                               or (@RetentionDays is not null and retention_days is distinct from nullif(@RetentionDays, 0)))
                        returning {Organization.Columns}
                        """,
                        new
                        {
                            command.Slug,
                            command.Name,
                            command.TimeZone,
                            command.RetentionDays,
                            Redaction = command.Redaction?.ToSettings().ToStored(),
                            Prices = command.Prices is null ? null : JsonSerializer.Serialize(Ordered(command.Prices), Json.Options),
                        });
                    if (changed is not null)
                    {
                        await audit.Write(
                            transaction,
                            AuditEvent.OfOrganization(changed.Id, command.Actor, AuditAction.OrganizationChanged));
                        // Other instances look up the key, and the settings with it, within seconds.
                        transaction.AfterCommit(() => keys.InvalidateOrganization(changed.Id));
                    }
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
