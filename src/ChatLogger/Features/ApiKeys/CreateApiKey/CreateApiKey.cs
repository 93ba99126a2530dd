using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>POST /orgs/me/apikeys: an admin makes a key for a plugin; the key itself is in this one answer and nowhere else.</summary>
internal static class CreateApiKey
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost("/apikeys", async (Body<Request> body, Member caller, HttpContext context, ISender sender, CancellationToken ct) =>
            {
                var key = await sender.Send(body.Value.By(caller, ProblemWriter.TraceId(context)), ct);
                return TypedResults.Created($"/orgs/me/apikeys/{key.Id}", key);
            })
            .WithSummary("Make an API key.")
            .WithDescription($"scopes: ingest (default), import. The key is shown once. Secret scanners find it by {ApiKey.Pattern}.");

    public sealed record Request(string Label, string[]? Scopes = null, DateTimeOffset? ExpiresAt = null, string[]? AllowedOrigins = null)
    {
        public Command By(Member caller, string traceId) => new(
            caller.OrgId, Label, Scopes is null or [] ? [KeyScope.Ingest] : Scopes, ExpiresAt, AllowedOrigins ?? [], ApiKey.Generate(),
            "member " + caller.UserId, traceId);
    }

    public sealed record Command(
        Guid OrgId, string Label, string[] Scopes, DateTimeOffset? ExpiresAt, string[] AllowedOrigins, ApiKey Key, string Actor, string TraceId)
        : IRequest<Response>;

    public sealed record Response(
        Guid Id,
        string PublicId,
        string Label,
        string[] Scopes,
        string LastFour,
        string[] AllowedOrigins,
        DateTimeOffset CreatedAt,
        DateTimeOffset? ExpiresAt,
        DateTimeOffset? RevokedAt,
        DateTimeOffset? LastUsedAt,
        string Key);

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits, TimeProvider time)
        {
            RuleFor(key => key.Label).Must(label => !string.IsNullOrWhiteSpace(label)).WithMessage("Is required.");
            RuleFor(key => key.Label).AtMostCharacters(limits.LabelLength);
            RuleFor(key => key.Scopes)
                .Must(scopes => scopes.All(KeyScope.IsKnown) && scopes.Distinct().Count() == scopes.Length)
                .WithMessage("May be ingest and import, each once.");
            RuleFor(key => key.ExpiresAt).Must(expires => expires is null || expires > time.GetUtcNow()).WithMessage("Must be in the future.");
            RuleFor(key => key.AllowedOrigins)
                .Must(origins => origins.Length <= limits.AllowedOrigins)
                .WithMessage($"May be at most {limits.AllowedOrigins}.")
                .Must(origins => origins.All(IsOrigin) && origins.Distinct().Count() == origins.Length)
                .WithMessage("Each must be an origin such as https://shop.example, without a path, once.");
        }

        // What browsers send in Origin: scheme, host in lower case, a port where it is not the scheme's own.
        private static bool IsOrigin(string? origin) =>
            origin is { Length: <= 300 } && Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && uri.Scheme is "http" or "https" && uri.GetLeftPart(UriPartial.Authority) == origin && uri.UserInfo.Length == 0;
    }

    public sealed class Handler(NpgsqlDataSource db, Ids ids, Limits limits, ILoggerFactory logs) : IRequestHandler<Command, Response>
    {
        private readonly ILogger _log = logs.CreateLogger("ChatLogger.Security");

        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            // RFC 3339 allows finer times than are kept.
            var expires = command.ExpiresAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()) : (DateTimeOffset?)null;
            var inserted = await db.InTransactionAsync(
                async transaction =>
                {
                    // The lock comes in a statement of its own: the next one then counts with a snapshot that has what others have made.
                    await transaction.ExecuteAsync("select from organizations where id = @OrgId for no key update", command);
                    return await transaction.ExecuteAsync(
                        """
                        insert into api_keys (id, org_id, public_id, sha256, last_four, label, scopes, allowed_origins, created_at, expires_at)
                        select @Id, @OrgId, @PublicId, @Sha256, @LastFour, @Label, @Scopes, @AllowedOrigins, @Now, @Expires
                        where (
                            select count(*)
                            from api_keys
                            where org_id = @OrgId
                              and revoked_at is null
                              and (expires_at is null or expires_at > @Now)
                        ) < @LiveKeys
                        """,
                        new
                        {
                            Id = id,
                            command.OrgId,
                            command.Key.PublicId,
                            command.Key.Sha256,
                            command.Key.LastFour,
                            command.Label,
                            command.Scopes,
                            command.AllowedOrigins,
                            Now = now,
                            Expires = expires,
                            limits.LiveKeys,
                        });
                },
                ct);
            if (inserted == 0)
                throw Problem.LiveKeyQuota(limits.LiveKeys);

            SecurityEvents.KeyCreated(_log, command.Actor, command.OrgId, command.Key.PublicId, command.TraceId);
            return new(
                id, command.Key.PublicId, command.Label, command.Scopes, command.Key.LastFour, command.AllowedOrigins, now, expires, null, null,
                command.Key.Text);
        }
    }
}
