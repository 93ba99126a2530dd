using ChatLogger.Auth;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using MediatR;

namespace ChatLogger.Features;

/// <summary>GET and HEAD /exports/orgs/me/{exportId}: an admin downloads the file of an export, or polls its progress.</summary>
internal static class DownloadExport
{
    public static void Map(IEndpointRouteBuilder admins) =>
        admins
            .MapGet(
                "/{exportId}",
                async Task<IResult> (
                    PathId exportId,
                    Member caller,
                    Actor actor,
                    HttpContext context,
                    ISender sender,
                    CancellationToken ct) =>
                {
                    var answer = await sender.Send(new Query(caller.OrgId, exportId, actor), ct);
                    if (answer.File is { } file)
                        return new StoredFileResponse(
                            file,
                            answer.Format.ContentType,
                            ExportFileName.Of(caller.OrgSlug, answer.Export.CreatedAt, answer.Format));
                    context.Response.Headers.RetryAfter = "2";
                    return TypedResults.Accepted((string?)null, answer.Export);
                })
            .Produces<Export>(202)
            .WithMetadata(
                new FileResponseMetadata(again: true),
                new ResponseMetadata(200, "ETag", "Content-Disposition", "Accept-Ranges"),
                new ResponseMetadata(202, "Retry-After"),
                new ResponseMetadata(206, "ETag", "Content-Disposition", "Content-Range", "Accept-Ranges"),
                new ResponseMetadata(304, "ETag", "Accept-Ranges"),
                new ProblemsMetadata(
                    ProblemType.ExportFailed,
                    ProblemType.Gone,
                    ProblemType.ExportOutdated,
                    ProblemType.RangeNotSatisfiable))
            .WithSummary("Fetch an export.")
            .WithDescription(
                """
                202 with the progress while it is queued or running; 200 with the file when it is done: ETag, one Range of the file as
                it is, If-Range, gzip where accepted; 409 export-failed with the reason; 410 when it was cancelled or its time is over,
                and export-outdated when a chat that it holds has been deleted since.
                """);

    public sealed record Query(Guid OrgId, Guid ExportId, Actor Actor) : IRequest<Response>;

    /// <summary>File is set if the export is done.</summary>
    public sealed record Response(Export Export, IExportFormat Format, ExportFile? File);

    public sealed class Handler(ExportQueue queue, IEnumerable<IExportFormat> formats, AuditLog audit) : IRequestHandler<Query, Response>
    {
        public async Task<Response> Handle(Query query, CancellationToken ct)
        {
            var export =
                await queue.Get(query.OrgId, query.ExportId, ct) ?? throw ProblemException.NotFound("No such export in this organization.");
            var format = formats.Find(export.Format, export.Layout)!;
            switch (export.State)
            {
                case ExportState.Queued or ExportState.Running:
                    return new(export, format, null);
                case ExportState.Failed:
                    throw ProblemException.ExportFailed(export.Reason ?? "The export failed.");
                case ExportState.Cancelled:
                    throw ProblemException.Gone("The export was cancelled.");
            }
            var stored = await queue.Stored(query.OrgId, query.ExportId, ct)
                ?? throw ProblemException.Gone("The file's time is over, or somebody removed it. Ask for a new export.");
            if (stored.IsOutdated)
                throw ProblemException.ExportOutdated();
            await audit.Write(AuditEvent.OfExport(query.OrgId, query.Actor, AuditAction.ExportDownloaded, query.ExportId), ct);
            return new(export, format, stored.File);
        }
    }
}
