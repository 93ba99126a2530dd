using ChatLogger.Auth;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using FluentValidation;
using MediatR;

namespace ChatLogger.Features;

/// <summary>GET /exports/orgs/me: an admin pages through the exports of the organization, newest first.</summary>
internal static class ListExports
{
    public static void Map(IEndpointRouteBuilder admins) =>
        admins.MapGet("", async (Query<Request> query, Member caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Query(caller.OrgId, query.Value.Limit, query.Value.Cursor), ct)))
            .WithSummary("List exports, newest first.")
            .WithDescription("limit: 1 to 200, default 50.");

    public sealed record Request(int? Limit = null, string? Cursor = null);

    public sealed record Query(Guid OrgId, int? Limit, string? Cursor) : IRequest<Page<Export>>;

    public sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(query => query.Limit).PageLimit();
    }

    public sealed class Handler(ExportQueue queue) : IRequestHandler<Query, Page<Export>>
    {
        public async Task<Page<Export>> Handle(Query query, CancellationToken ct)
        {
            var list = $"exports/{query.OrgId}";
            var limit = query.Limit ?? Page.DefaultLimit;
            var rows = await queue.List(query.OrgId, Cursor.DecodeTimeAndId(list, query.Cursor), limit + 1, ct);
            return Page.Of(rows, limit, export => export, export => Cursor.Encode(list, export.CreatedAt, export.Id));
        }
    }
}
