using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Parses the filters of a request. Dates become midnight in the time zone of the request, or else in that of the organization.
/// </summary>
internal sealed class ExportFilters(NpgsqlDataSource db)
{
    public async Task<(ExportRequest Request, string TimeZone)> Parse(RequestExport.Command command, CancellationToken ct)
    {
        var zone = command.TimeZone is null
            ? TimeZones.OfOrganization(
                await db.ReadSingleOrDefaultAsync<string>("select time_zone from organizations where id = @OrgId", command, ct))
            : TimeZones.Find(command.TimeZone) ?? throw ProblemException.Validation("timeZone", TimeZones.Sentence);
        var from = DateRange.Instant("from", command.From, zone);
        var to = DateRange.Instant("to", command.To, zone);
        if (from >= to)
            throw ProblemException.Validation("from", "Must be before to.");
        return (
            new(command.OrgId, command.Format, command.Layout, from, to, command.Tags, command.UserId, command.ExternalUserId, command.Q,
                command.Bom, command.LocalTimes ? zone.Id : null)
            {
                Model = command.Model,
                Rating = command.Rating,
            },
            zone.Id);
    }
}
