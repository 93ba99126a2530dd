using System.Diagnostics.Metrics;
using ChatLogger.Data;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// How many exports wait and run, and for how long the oldest has waited: of all organizations and instances, as the database has it. Counted
/// every few seconds, while somebody wants to know.
/// </summary>
internal sealed partial class ExportBacklog(NpgsqlDataSource db, ILogger<ExportBacklog> log) : BackgroundService, IGauges
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private ObservableGauge<long>? _exports;
    private volatile Backlog? _last;

    public void Add(Meter meter)
    {
        _exports = meter.CreateObservableGauge(
            "chatlogger.exports.pending",
            () => _last is { } last ? new[] { In(ExportState.Queued, last.Queued), In(ExportState.Running, last.Running) } : [],
            "{export}",
            "Exports that wait or run, of all instances.");
        meter.CreateObservableGauge(
            "chatlogger.exports.oldest_age",
            () => _last is { } last ? new[] { new Measurement<double>(last.OldestSeconds) } : [],
            "s",
            "How long the oldest export that waits has waited; 0 when none does.");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failed = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (_exports?.Enabled == true)
                    _last = await Count(stoppingToken);
                failed = false;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                // A number that is not known is not shown. Said once for as long as it lasts.
                _last = null;
                if (!failed)
                    CannotCount(log, failure);
                failed = true;
            }
            await Task.Delay(Pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task<Backlog?> Count(CancellationToken ct) =>
        db.QuerySingleOrDefaultAsync<Backlog>(
            """
            select count(*) filter (where state = 'queued') as queued,
                   count(*) filter (where state = 'running') as running,
                   coalesce(extract(epoch from now() - min(created_at) filter (where state = 'queued')), 0)::float8 as oldest_seconds
            from exports
            where state in ('queued', 'running')
            """,
            new { },
            ct);

    private static Measurement<long> In(string state, long exports) => new(exports, new KeyValuePair<string, object?>("chatlogger.export.state", state));

    [LoggerMessage(LogLevel.Warning, "The exports that wait cannot be counted; trying again")]
    private static partial void CannotCount(ILogger log, Exception failure);

    private sealed record Backlog(long Queued, long Running, double OldestSeconds);
}
