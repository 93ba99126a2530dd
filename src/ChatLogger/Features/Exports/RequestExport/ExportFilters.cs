using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Makes instants of what an admin wrote: dates are local midnights of the zone that was given, or of the organization's.</summary>
internal sealed class ExportFilters(NpgsqlDataSource db)
{
    public async Task<(ExportRequest Request, string TimeZone)> Understand(RequestExport.Command command, CancellationToken ct)
    {
        var zone = command.TimeZone is null
            ? TimeZones.OfOrganization(await db.QuerySingleOrDefaultAsync<string>("select time_zone from organizations where id = @OrgId", command, ct))
            : TimeZones.Find(command.TimeZone) ?? throw Problem.Validation("timeZone", TimeZones.Sentence);
        var from = Range.Instant("from", command.From, zone);
        var to = Range.Instant("to", command.To, zone);
        if (from >= to)
            throw Problem.Validation("from", "Must be before to.");
        return (
            new(command.OrgId, command.Format, command.Layout, from, to, command.Tags, command.UserId, command.ExternalUserId, command.Q,
                command.Bom, command.LocalTimes ? zone.Id : null),
            zone.Id);
    }
}
