using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/audit: an admin pages through the organization's audit log, newest first.</summary>
internal static class ListAuditEvents
{
    private static readonly string Known = string.Join(", ", AuditAction.All);

    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/audit", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(query.Value.By(caller), ct)))
            .WithSummary("List the events of the audit log, newest first.")
            .WithDescription(
                $"actor: the id of who did it. action: one of {Known}. from, to: RFC 3339 times, to excluded. limit: 1 to 200, default 50. "
                    + "An event stands at the time it was written, a moment before it can be read: pages that follow nextCursor neither "
                    + "skip nor repeat what was there at the first one, and who reads on later does so from a minute before the newest "
                    + "they have.");

    public sealed record Request(
        string? Actor = null,
        string? Action = null,
        DateTimeOffset? From = null,
        DateTimeOffset? To = null,
        int? Limit = null,
        string? Cursor = null)
    {
        public Query By(Member caller) => new(caller.OrgId, Actor, Action, From, To, Limit, Cursor);
    }

    public sealed record Query(
        Guid OrgId,
        string? Actor,
        string? Action,
        DateTimeOffset? From,
        DateTimeOffset? To,
        int? Limit,
        string? Cursor
    ) : IRequest<Page<Item>>;

    public sealed record Item(Guid Id, DateTimeOffset At, Party Actor, string Action, Party Target, string? TraceId);

    public sealed record Party(string Type, string? Id);

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(query => query.Actor).Must(actor => actor is null or { Length: > 0 }).WithMessage("May not be empty.");
            RuleFor(query => query.Action)
                .Must(action => action is null || AuditAction.All.Contains(action))
                .WithMessage($"Must be one of: {Known}.");
            RuleFor(query => query.From).Must((query, from) => !(from >= query.To)).WithMessage("Must be before to.");
            RuleFor(query => query.Limit).PageLimit();
        }
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Page<Item>>
    {
        public async Task<Page<Item>> Handle(Query query, CancellationToken ct)
        {
            // The actor can be any text, so it comes last: two different lists must not have the same name.
            var list = $"audit/{query.OrgId}/{query.Action}/{query.From?.UtcTicks}/{query.To?.UtcTicks}/{query.Actor}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var rows = await db.ReadAsync<Row>(
                $"""
                select id, at, actor_type, actor_id, action, target_type, target_id, nullif(trace_id, '') as trace_id
                from audit_events
                where org_id = @OrgId
                  {(query.Actor is null ? "" : "and actor_id = @Actor")}
                  {(query.Action is null ? "" : "and action = @Action")}
                  {(query.From is null ? "" : "and at >= @From")}
                  {(query.To is null ? "" : "and at < @To")}
                  {(after is null ? "" : "and (at, id) < (@AfterTime, @AfterId)")}
                order by at desc, id desc
                limit @Rows
                """,
                new
                {
                    query.OrgId,
                    query.Actor,
                    query.Action,
                    query.From,
                    query.To,
                    AfterTime = after?.Time,
                    AfterId = after?.Id,
                    Rows = limit + 1,
                },
                ct);
            return Page.Of(rows, limit, row => row.ToItem(), row => Cursor.Encode(list, row.At, row.Id));
        }
    }

    private sealed record Row(
        Guid Id, DateTimeOffset At, string ActorType, string? ActorId, string Action, string TargetType, string? TargetId, string? TraceId)
    {
        public Item ToItem() => new(Id, At, new(ActorType, ActorId), Action, new(TargetType, TargetId), TraceId);
    }
}
