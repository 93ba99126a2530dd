using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/erasures: an admin pages through the erasures of the organization, newest first.</summary>
internal static class ListErasures
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/erasures", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List erasures, newest first.")
            .WithDescription("limit: 1 to 200, default 50.");

    public sealed record Request(int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid OrgId, int? Limit, string? Cursor) : IRequest<Page<Erasure>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(query => query.Limit).PageLimit();
    }

    public sealed class Handler(NpgsqlDataSource db) : IRequestHandler<Query, Page<Erasure>>
    {
        public async Task<Page<Erasure>> Handle(Query query, CancellationToken ct)
        {
            var list = $"erasures/{query.OrgId}";
            var after = Cursor.DecodeTimeAndId(list, query.Cursor);
            var limit = query.Limit ?? Page.DefaultLimit;
            var rows = await db.ReadAsync<Row>(
                $"""
                select {Erasure.Columns}, created_at
                from erasures
                where org_id = @OrgId
                  {(after is null ? "" : "and (created_at, id) < (@AfterTime, @AfterId)")}
                order by created_at desc, id desc
                limit @Rows
                """,
                new { query.OrgId, AfterTime = after?.Time, AfterId = after?.Id, Rows = limit + 1 },
                ct);
            return Page.Of(rows, limit, row => row.ToErasure(), row => Cursor.Encode(list, row.CreatedAt, row.Id));
        }

        private sealed record Row(
            Guid Id, string State, string Subject, long Chats, long Messages, long Feedback, long Exports, DateTimeOffset? StartedAt,
            DateTimeOffset? FinishedAt, string? Receipt, DateTimeOffset CreatedAt)
        {
            public Erasure ToErasure() => new(Id, State, Subject, Chats, Messages, Feedback, Exports, StartedAt, FinishedAt, Receipt);
        }
    }
}
