using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// POST /orgs/me/apikeys/{keyId}/rotate: an admin replaces an API key with a new one that has the same permissions. The old key stays valid
/// for the overlap, in which the plugin is configured with the new one.
/// </summary>
internal static class RotateApiKey
{
    private const int DefaultOverlapHours = 24;
    private const int LongestOverlapHours = 168;

    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapPost(
                "/apikeys/{keyId}/rotate",
                async (PathId keyId, Body<Request> body, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
                {
                    var key = await sender.Send(new Command(caller.OrgId, keyId, body.Value.OverlapHours, ApiKey.Generate(), actor), ct);
                    return TypedResults.Created($"/orgs/{caller.OrgInPath}/apikeys/{key.Id}", key);
                })
            .WithMetadata(new ProblemsMetadata(ProblemType.KeyNotLive, ProblemType.LiveKeyQuota))
            .WithSummary("Replace an API key by a new one.")
            .WithDescription(
                """
                The new key has label, scopes, origins and expiresAt of the old one and is shown once. The old one works for
                overlapHours more (0 to 168, default 24; 0: not at all), at most until its own expiresAt. {} is a body. A key that is
                revoked, has expired or was rotated before is 409 key-not-live: rotate the key that took its place. Both count as live
                while they overlap: with as many as there may be, 409 live-key-quota; overlapHours 0 works then too.
                """);

    public sealed record Request(int? OverlapHours = null);

    public sealed record Command(Guid OrgId, Guid KeyId, int? OverlapHours, ApiKey Key, Actor Actor) : IRequest<NewApiKey>;

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(rotation => rotation.OverlapHours).Between(0, LongestOverlapHours);
    }

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, Limits limits, AuditLog audit, ApiKeyCache keys)
        : IRequestHandler<Command, NewApiKey>
    {
        public async Task<NewApiKey> Handle(Command command, CancellationToken ct)
        {
            var (id, now) = ids.Next();
            var (old, made) = await db.InTransactionAsync(
                async transaction =>
                {
                    // Locks the organization for the quota, as when a key is created, and the key against concurrent revocation or
                    // rotation.
                    await transaction.ExecuteAsync("select from organizations where id = @OrgId for no key update", command);
                    var old = await transaction.QuerySingleOrDefaultAsync<Row>(
                        """
                        select public_id, label, scopes, allowed_origins, expires_at, revoked_at, replaced_at
                        from api_keys
                        where org_id = @OrgId
                          and id = @KeyId
                        for no key update
                        """,
                        command);
                    if (old is null)
                        throw ProblemException.NotFound("No such key in this organization.");
                    if (old.WhyNot(now) is { } sentence)
                        throw ProblemException.KeyNotLive(sentence);

                    // Updates the old key first: without overlap it is expired already and no longer counts towards the quota.
                    await transaction.ExecuteAsync(
                        """
                        update api_keys
                        set replaced_at = @Now, expires_at = least(expires_at, @Ends)
                        where org_id = @OrgId
                          and id = @KeyId
                        """,
                        new { command.OrgId, command.KeyId, Now = now, Ends = now.AddHours(command.OverlapHours ?? DefaultOverlapHours) });
                    var made = NewApiKey.Of(command.Key, id, old.Label, old.Scopes, old.AllowedOrigins, now, old.ExpiresAt);
                    if (!await made.Insert(transaction, command.OrgId, command.Key.Sha256, limits.LiveKeys))
                        throw ProblemException.OverlapQuota(limits.LiveKeys);
                    await audit.Write(transaction, AuditEvent.OfKey(command.OrgId, command.Actor, AuditAction.KeyRotated, old.PublicId));
                    await audit.Write(
                        transaction,
                        AuditEvent.OfKey(command.OrgId, command.Actor, AuditAction.KeyCreated, command.Key.PublicId));
                    return (old, made);
                },
                ct);
            keys.Invalidate(old.PublicId);

            return made;
        }
    }

    private sealed record Row(
        string PublicId,
        string Label,
        string[] Scopes,
        string[] AllowedOrigins,
        DateTimeOffset? ExpiresAt,
        DateTimeOffset? RevokedAt,
        DateTimeOffset? ReplacedAt)
    {
        public string? WhyNot(DateTimeOffset now) =>
            RevokedAt is not null ? "This key is revoked. Make a new one."
            : ReplacedAt is not null ? "This key was rotated already. Rotate the key that took its place, or make a new one."
            : ExpiresAt <= now ? "This key has expired. Make a new one."
            : null;
    }
}
