using ChatLogger.Auth;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using MediatR;

namespace ChatLogger.Features;

/// <summary>DELETE /exports/orgs/me/{exportId}: an admin cancels an export, or removes its file. The operation is idempotent.</summary>
internal static class CancelExport
{
    public static void Map(IEndpointRouteBuilder admins) =>
        admins.MapDelete("/{exportId}", async (PathId exportId, Member caller, Actor actor, ISender sender, CancellationToken ct) =>
            {
                await sender.Send(new Command(caller.OrgId, exportId, actor), ct);
                return TypedResults.NoContent();
            })
            .WithSummary("Cancel an export, or remove its file.");

    public sealed record Command(Guid OrgId, Guid ExportId, Actor Actor) : IRequest;

    public sealed class Handler(ExportQueue queue) : IRequestHandler<Command>
    {
        public async Task Handle(Command command, CancellationToken ct)
        {
            if (!await queue.Cancel(command.OrgId, command.ExportId, command.Actor, ct))
                throw ProblemException.NotFound("No such export in this organization.");
        }
    }
}
