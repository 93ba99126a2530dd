using ChatLogger.Auth;
using ChatLogger.Http;
using MediatR;

namespace ChatLogger.Features;

/// <summary>DELETE /exports/orgs/me/{exportId}: an admin cancels an export, or removes its file; doing it again changes nothing.</summary>
internal static class CancelExport
{
    public static void Map(IEndpointRouteBuilder admins) =>
        admins.MapDelete("/{exportId}", async (PathId exportId, Member caller, HttpContext context, ISender sender, CancellationToken ct) =>
            {
                await sender.Send(new Command(caller.OrgId, exportId, "member " + caller.UserId, ProblemWriter.TraceId(context)), ct);
                return TypedResults.NoContent();
            })
            .WithSummary("Cancel an export, or remove its file.");

    public sealed record Command(Guid OrgId, Guid ExportId, string Actor, string TraceId) : IRequest;

    public sealed class Handler(ExportQueue queue, ILoggerFactory logs) : IRequestHandler<Command>
    {
        private readonly ILogger _log = logs.CreateLogger("ChatLogger.Security");

        public async Task Handle(Command command, CancellationToken ct)
        {
            if (!await queue.Cancel(command.OrgId, command.ExportId, ct))
                throw Problem.NotFound("No such export in this organization.");
            SecurityEvents.ExportCancelled(_log, command.Actor, command.OrgId, command.ExportId, command.TraceId);
        }
    }
}
