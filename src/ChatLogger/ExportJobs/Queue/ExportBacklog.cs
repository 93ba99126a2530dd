using System.Diagnostics.Metrics;
using ChatLogger.Data;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <summary>
/// Gauges of how many exports are queued and running, and how long the oldest one has been queued: of all organizations and instances, as
/// the database has it. The query runs every few seconds, and only while a listener observes the gauges.
/// </summary>
internal sealed class ExportBacklog(NpgsqlDataSource db, ILogger<ExportBacklog> log)
    : PolledGauges<ExportBacklog.BacklogCounts>(TimeSpan.FromSeconds(5), log), IObservableGauges
{
    private ObservableGauge<long>? _exports;

    public void Add(Meter meter)
    {
        _exports = meter.CreateObservableGauge(
            "chatlogger.exports.pending",
            () => Last is { } last ? new[] { In(ExportState.Queued, last.Queued), In(ExportState.Running, last.Running) } : [],
            "{export}",
            "Exports that wait or run, of all instances.");
        meter.CreateObservableGauge(
            "chatlogger.exports.oldest_age",
            () => Last is { } last ? new[] { new Measurement<double>(last.OldestSeconds) } : [],
            "s",
            "How long the oldest export that waits has waited; 0 when none does.");
    }

    protected override bool IsWanted => _exports?.Enabled == true;

    protected override Task<BacklogCounts?> Count(CancellationToken ct) =>
        db.ReadSingleOrDefaultAsync<BacklogCounts>(
            """
            select count(*) filter (where state = 'queued') as queued,
                   count(*) filter (where state = 'running') as running,
                   coalesce(extract(epoch from now() - min(created_at) filter (where state = 'queued')), 0)::float8 as oldest_seconds
            from exports
            where state in ('queued', 'running')
            """,
            new { },
            ct);

    private static Measurement<long> In(string state, long exports) =>
        new(exports, new KeyValuePair<string, object?>("chatlogger.export.state", state));

    internal sealed record BacklogCounts(long Queued, long Running, double OldestSeconds);
}
