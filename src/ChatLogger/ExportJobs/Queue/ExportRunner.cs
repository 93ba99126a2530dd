using System.Diagnostics;
using ChatLogger.Http;

namespace ChatLogger.ExportJobs;

/// <summary>Writes one export under its lease, which it renews meanwhile, and stores what became of it.</summary>
internal sealed partial class ExportRunner(
    ExportLeases leases,
    IExportStore store,
    ExportMembership membership,
    IExportWriter writer,
    ExportSettings settings,
    IngestActivity activity,
    ILogger<ExportWorker> log)
{
    // Bounds the last statement of an export, because a host that shuts down does not wait much longer.
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Writes the file of an export and ends its lease, whatever happens to the file.</summary>
    public async Task Run(ExportLease lease, CancellationToken stopping)
    {
        var progress = new ExportProgress();
        using var limit = new CancellationTokenSource(lease.TimeLeft > TimeSpan.Zero ? lease.TimeLeft : TimeSpan.Zero);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, limit.Token);
        var renewal = RenewLease(lease, progress, stop);
        Exception? failure = null;
        try
        {
            if (await Write(lease, progress, stop.Token))
                Done(log, lease.ExportId, lease.OrgId, progress.Rows);
            else
                Lost(log, lease.ExportId, lease.OrgId);
        }
        catch (Exception exception)
        {
            failure = exception;
        }
        await stop.CancelAsync();
        var state = await renewal;

        // The cause of the failure, such as a database that restarts, may also prevent storing it, so this retries. After the lease has
        // expired another worker claims the export anyway.
        var ended = failure is null;
        for (var since = Stopwatch.GetTimestamp(); !ended;)
        {
            using var timeout = new CancellationTokenSource(ShutdownTimeout);
            try
            {
                await End(lease, failure!, state, stopping, limit.Token, timeout.Token);
                ended = true;
            }
            catch (Exception unsaid)
            {
                CannotEnd(log, lease.ExportId, lease.OrgId, unsaid);
                ended = stopping.IsCancellationRequested || Stopwatch.GetElapsedTime(since) >= settings.Lease;
                await Task.Delay(settings.Poll, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // False: the lease was lost before the file was complete, and the file is discarded.
    private async Task<bool> Write(ExportLease lease, ExportProgress progress, CancellationToken ct)
    {
        await using var file = store.Create(lease);
        var chats = membership.Record(lease);
        var throttle = new ExportThrottle(activity, settings.Yield, TimeProvider.System);
        async ValueTask Sink(ReadOnlyMemory<byte> block, CancellationToken token)
        {
            ct.ThrowIfCancellationRequested();
            await file.Append(block, token);
            await chats.Store(all: false, token);
            if (throttle.RequiredDelay() is var delay && delay > TimeSpan.Zero)
            {
                await Task.Delay(delay, token);
                throttle.Resume();
            }
        }

        // Task.Run, because the writer may work for a while before its first await.
        var writing = Task.Run(() => writer.Write(lease.Request, Sink, progress.Report, chats.Add, ct), CancellationToken.None);
        try
        {
            await writing.WaitAsync(ct);
        }
        catch (OperationCanceledException) when (!writing.IsCompleted)
        {
            // The writer should react to the token within a moment. One that does not is abandoned; its sink throws at the next block.
            await Task.WhenAny(writing, Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None));
            _ = writing.ContinueWith(
                left => left.Exception,
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            throw;
        }
        await chats.Store(all: true, ct);
        var (bytes, sha256) = await file.Finish(ct);
        if (await leases.Complete(lease, progress.Rows, await writing, bytes, sha256, ct))
            return true;
        file.Discard();
        return false;
    }

    private async Task End(
        ExportLease lease, Exception failure, LeaseState state, CancellationToken stopping, CancellationToken limit, CancellationToken ct)
    {
        if (state is not LeaseState.Held || failure is LeaseLost)
        {
            Lost(log, lease.ExportId, lease.OrgId);
        }
        else if (failure is ExportFailed refused)
        {
            Failed(log, lease.ExportId, lease.OrgId, refused.Message);
            await leases.Fail(lease, refused.Message, ct);
        }
        else if (stopping.IsCancellationRequested)
        {
            Released(log, lease.ExportId, lease.OrgId);
            await leases.Release(lease, ct);
        }
        else if (limit.IsCancellationRequested)
        {
            TookTooLong(log, lease.ExportId, lease.OrgId);
            await leases.FailAtHardLimit(lease, ct);
        }
        else
        {
            AttemptFailed(log, lease.Attempt, lease.ExportId, lease.OrgId, failure);
            await leases.Retry(lease, ct);
        }
    }

    // Renews the lease on a connection other than the writer's, so that a busy or broken connection of the writer does not prevent it.
    // Stops the writer when the lease is lost or the export cancelled.
    private async Task<LeaseState> RenewLease(ExportLease lease, ExportProgress progress, CancellationTokenSource stop)
    {
        var renewedAt = Stopwatch.GetTimestamp();
        var state = LeaseState.Held;
        while (state is LeaseState.Held && !stop.IsCancellationRequested)
        {
            await Task.Delay(settings.Heartbeat, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested)
                break;
            var now = Stopwatch.GetTimestamp();
            try
            {
                state = await leases.Renew(lease, progress.Rows, progress.TotalRows, stop.Token);
                renewedAt = now;
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                CannotRenewLease(log, lease.ExportId, lease.OrgId, failure);
                // The lease has expired, and another worker may have claimed the export.
                if (Stopwatch.GetElapsedTime(renewedAt) >= settings.Lease)
                    state = LeaseState.Lost;
            }
        }
        if (state is not LeaseState.Held)
            await stop.CancelAsync();
        return state;
    }

    [LoggerMessage(LogLevel.Information, "Export {ExportId} of organization {OrgId} is done: {Rows} rows")]
    private static partial void Done(ILogger log, Guid exportId, Guid orgId, long rows);

    [LoggerMessage(
        LogLevel.Information,
        "Export {ExportId} of organization {OrgId} is not ours any more: cancelled, or with another worker"
    )]
    private static partial void Lost(ILogger log, Guid exportId, Guid orgId);

    [LoggerMessage(LogLevel.Information, "Export {ExportId} of organization {OrgId} is released: this instance stops")]
    private static partial void Released(ILogger log, Guid exportId, Guid orgId);

    [LoggerMessage(LogLevel.Warning, "Export {ExportId} of organization {OrgId} failed: {Reason}")]
    private static partial void Failed(ILogger log, Guid exportId, Guid orgId, string reason);

    [LoggerMessage(LogLevel.Warning, "Export {ExportId} of organization {OrgId} failed: it took too long")]
    private static partial void TookTooLong(ILogger log, Guid exportId, Guid orgId);

    [LoggerMessage(LogLevel.Error, "Attempt {Attempt} at export {ExportId} of organization {OrgId} failed")]
    private static partial void AttemptFailed(ILogger log, int attempt, Guid exportId, Guid orgId, Exception failure);

    [LoggerMessage(
        LogLevel.Error,
        "What became of export {ExportId} of organization {OrgId} could not be stored; trying again until its lease is over"
    )]
    private static partial void CannotEnd(ILogger log, Guid exportId, Guid orgId, Exception failure);

    [LoggerMessage(LogLevel.Warning, "The lease of export {ExportId} of organization {OrgId} could not be renewed; retrying")]
    private static partial void CannotRenewLease(ILogger log, Guid exportId, Guid orgId, Exception failure);
}
