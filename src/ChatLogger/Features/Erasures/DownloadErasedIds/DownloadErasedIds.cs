using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/erasures/{erasureId}/ids: an admin downloads the ids of what an erasure has removed.</summary>
internal static class DownloadErasedIds
{
    public static void Map(IEndpointRouteBuilder organization) =>
        organization.MapGet("/erasures/{erasureId}/ids",
                async Task<IResult> (
                    PathId erasureId, Member caller, Actor actor, HttpContext context, ISender sender, CancellationToken ct) =>
                {
                    var (erasure, head) = await sender.Send(new Query(caller.OrgId, erasureId, actor), ct);
                    if (head is not null)
                        return new Response(head, erasure.Receipt!, $"{caller.OrgSlug}-erasure-{erasure.Id}.jsonl");
                    context.Response.Headers.RetryAfter = "5";
                    return TypedResults.Accepted((string?)null, erasure);
                })
            .Produces<string>(200, ErasedIdsFile.ContentType)
            .Produces<Erasure>(202)
            .WithMetadata(
                new ResponseMetadata(200, "Content-Disposition"), new ResponseMetadata(202, "Retry-After"),
                new ProblemsMetadata(ProblemType.Gone))
            .WithSummary("Download the ids of what an erasure has removed.")
            .WithDescription(
                """
                One JSON object a line: the erasure, then each id by its kind (chat, message, feedback, export), then the receipt, which is
                the HMAC of all bytes before its line. The command `chatlogger erasure verify` checks it and looks for each id. 202 while
                the erasure is not done; 410 when it was done more than 30 days ago.
                """);

    public sealed record Query(Guid OrgId, Guid ErasureId, Actor Actor) : IRequest<(Erasure Erasure, ErasedIdsFile.Head? Head)>;

    public sealed class Handler(NpgsqlDataSource db, AuditLog audit, TimeProvider time)
        : IRequestHandler<Query, (Erasure Erasure, ErasedIdsFile.Head? Head)>
    {
        public async Task<(Erasure Erasure, ErasedIdsFile.Head? Head)> Handle(Query query, CancellationToken ct)
        {
            var erasure = await db.ReadSingleOrDefaultAsync<Erasure>(
                $"select {Erasure.Columns} from erasures where org_id = @OrgId and id = @ErasureId", query, ct)
                ?? throw ProblemException.NotFound("No such erasure in this organization.");
            if (erasure.FinishedAt is not { } finishedAt)
                return (erasure, null);
            if (finishedAt <= time.GetUtcNow() - ErasureCleanup.Retention)
                throw ProblemException.Gone("The ids are kept for 30 days.");
            await audit.Write(
                AuditEvent.OfErasure(query.OrgId, query.Actor, AuditAction.ErasureDownloaded, erasure.Subject), ct);
            return (erasure, new(
                erasure.Id, query.OrgId, erasure.Subject, erasure.Chats, erasure.Messages, erasure.Feedback, erasure.Exports,
                erasure.StartedAt!.Value, finishedAt));
        }
    }

    /// <summary>A response with the lines. The last one, the receipt, tells the caller that there are all.</summary>
    private sealed class Response(ErasedIdsFile.Head head, string receipt, string name) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.ContentType = ErasedIdsFile.ContentType;
            response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
            if (HttpMethods.IsHead(httpContext.Request.Method))
                return;
            var file = httpContext.RequestServices.GetRequiredService<ErasedIdsFile>();
            await foreach (var lines in file.Lines(head, httpContext.RequestAborted))
                await response.Body.WriteAsync(lines, httpContext.RequestAborted);
            await response.Body.WriteAsync(ErasedIdsFile.LastLine(receipt), httpContext.RequestAborted);
        }
    }
}
