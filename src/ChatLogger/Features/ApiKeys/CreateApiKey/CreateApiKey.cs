using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /orgs/me/apikeys: an admin creates an API key for a plugin; only this response contains the key itself.</summary>
internal static class CreateApiKey
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost("/apikeys", async (Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
            {
                var key = await sender.Send(body.Value.By(caller, actor), ct);
                return TypedResults.Created($"/orgs/{caller.OrgInPath}/apikeys/{key.Id}", key);
            })
            .WithMetadata(new ProblemsMetadata(ProblemType.LiveKeyQuota))
            .WithSummary("Make an API key.")
            .WithDescription(
                "scopes: ingest (default), import, read. Only a key with the scope ingest alone may have allowedOrigins, and a request "
                    + "with any other key is refused when it comes from a page (with an Origin). The key is shown once. Secret scanners "
                    + $"find it by {ApiKey.Pattern}.");

    public sealed record Request(string Label, string[]? Scopes = null, DateTimeOffset? ExpiresAt = null, string[]? AllowedOrigins = null)
    {
        public Command By(Member caller, Actor actor) => new(
            caller.OrgId, Label, Scopes is null or [] ? [KeyScope.Ingest] : Scopes, ExpiresAt, AllowedOrigins ?? [], ApiKey.Generate(),
            actor);
    }

    public sealed record Command(
        Guid OrgId, string Label, string[] Scopes, DateTimeOffset? ExpiresAt, string[] AllowedOrigins, ApiKey Key, Actor Actor)
        : IRequest<NewApiKey>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits, TimeProvider time)
        {
            RuleFor(key => key.Label).Must(label => !string.IsNullOrWhiteSpace(label)).WithMessage("Is required.");
            RuleFor(key => key.Label).AtMostCharacters(limits.LabelLength);
            RuleFor(key => key.Scopes)
                .Must(scopes => scopes.All(KeyScope.IsKnown) && scopes.Distinct().Count() == scopes.Length)
                .WithMessage(KeyScope.Sentence);
            RuleFor(key => key.ExpiresAt)
                .Must(expires => expires is null || expires > time.GetUtcNow())
                .WithMessage("Must be in the future.");
            RuleFor(key => key.AllowedOrigins)
                .Must(origins => origins.Length <= limits.AllowedOrigins)
                .WithMessage($"May be at most {limits.AllowedOrigins}.")
                .Must(origins => origins.All(Origin.IsExact) && origins.Distinct().Count() == origins.Length)
                .WithMessage("Each must be an origin such as https://shop.example, without a path, once.")
                .Must((key, origins) => origins.Length == 0 || !KeyScope.AreForServers(key.Scopes))
                .WithMessage("A key that pages use is public: it may have the scope ingest only.");
        }
    }

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, Limits limits, AuditLog audit) : IRequestHandler<Command, NewApiKey>
    {
        public async Task<NewApiKey> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            // RFC 3339 allows a finer precision than the service stores.
            var expires = command.ExpiresAt is { } at
                ? DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds())
                : (DateTimeOffset?)null;
            var made = NewApiKey.Of(command.Key, id, command.Label, command.Scopes, command.AllowedOrigins, now, expires);
            return await db.InTransactionAsync(
                async transaction =>
                {
                    await transaction.ExecuteAsync("select from organizations where id = @OrgId for no key update", command);
                    if (!await made.Insert(transaction, command.OrgId, command.Key.Sha256, limits.LiveKeys))
                        throw ProblemException.LiveKeyQuota(limits.LiveKeys);
                    await audit.Write(transaction, AuditEvent.OfKey(command.OrgId, command.Actor, AuditAction.KeyCreated, made.PublicId));
                    return made;
                },
                ct);
        }
    }
}
