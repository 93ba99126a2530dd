using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// GET /healthz/ready: whether the service can serve requests: the database answers and has the schema, and no shutdown is in progress.
/// </summary>
internal static class Ready
{
    public static void Map(IEndpointRouteBuilder open) =>
        open.MapGet("/healthz/ready", async (ISender sender, CancellationToken ct) => TypedResults.Ok(await sender.Send(new Query(), ct)))
            .WithMetadata(new AllowsAnyQuery(), new RequiresDatabase())
            .WithSummary("Can the service serve?");

    public sealed record Query : IRequest<Response>;

    public sealed record Response(string Status);

    public sealed class Handler(NpgsqlDataSource db, IHostApplicationLifetime lifetime) : IRequestHandler<Query, Response>
    {
        public async Task<Response> Handle(Query query, CancellationToken ct)
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
                throw ProblemException.Stopping();
            return await HasSchema(ct)
                ? new("ready")
                : throw ProblemException.Unavailable("The database does not have the schema of this version.", TimeSpan.FromSeconds(5));
        }

        private async Task<bool> HasSchema(CancellationToken ct)
        {
            try
            {
                return await Migrator.IsCurrent(db, ct);
            }
            // The tables were dropped or are no longer on the search path. Probes ask every few seconds, so this must not be logged as an
            // error each time.
            catch (PostgresException gone) when (gone.SqlState == PostgresErrorCodes.UndefinedTable)
            {
                return false;
            }
        }
    }
}
