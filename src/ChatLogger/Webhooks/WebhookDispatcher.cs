using System.Collections.Concurrent;
using ChatLogger.ChangeFeed;
using ChatLogger.Http;

namespace ChatLogger.Webhooks;

/// <summary>
/// Finds the webhooks for which there is something to do and runs each by itself, so that none waits for another: those of organizations
/// that this instance wrote to at once, and periodically all that lag. Of several instances one delivers to a webhook.
/// </summary>
internal sealed partial class WebhookDispatcher(
    WebhookStore store, WebhookRunner runner, OrganizationLog organizationLog, IEnumerable<IFinishedJobs> jobs, WebhookSettings settings,
    TimeProvider time, ILogger<WebhookDispatcher> log)
    : BackgroundService
{
    // An attempt that has begun may end when the service stops, so that it need not be repeated.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly string[] _jobEvents = [.. jobs.Select(kind => kind.Event)];
    private readonly ConcurrentDictionary<WebhookPlace, Task> _running = [];
    private readonly ConcurrentDictionary<WebhookPlace, bool> _due = [];
    // By organization: the number in OrganizationLog.Recorded up to which its webhooks were told.
    private readonly Dictionary<Guid, long> _seen = [];
    private readonly LogSampler _failures = new(TimeSpan.FromSeconds(10), time);
    private ILookup<Guid, ActiveWebhook> _active = Array.Empty<ActiveWebhook>().ToLookup(webhook => webhook.OrgId);
    private volatile bool _changed = true;
    private long _caughtUp;

    /// <summary>A webhook was made, changed or resumed, or a delivery is asked for: this instance looks at once.</summary>
    public void Changed() => _changed = true;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!settings.Deliver)
            return;
        using var ending = new CancellationTokenSource();
        await using var _ = stoppingToken.Register(() => ending.CancelAfter(Grace));
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (_changed || time.GetElapsedTime(_caughtUp) >= settings.CatchUpInterval)
                    await CatchUp(stoppingToken);
                FindWritten();
                foreach (var place in _due.Keys)
                    Start(place, stoppingToken, ending.Token);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception failure)
            {
                Failed(failure);
            }
            await Task.Delay(settings.PollInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await Task.WhenAll(_running.Values);
    }

    private async Task CatchUp(CancellationToken ct)
    {
        var since = time.GetTimestamp();
        _changed = false;
        try
        {
            _active = (await store.Active(ct)).ToLookup(webhook => webhook.OrgId);
            if (_active.Count > 0)
            {
                foreach (var place in await store.Lagging(ct))
                {
                    if (_active[place.OrgId].Any(webhook => webhook.Id == place.WebhookId))
                        _due[place] = true;
                }
            }
            foreach (var webhook in _active.SelectMany(webhooks => webhooks).Where(each => each.Events.Any(_jobEvents.Contains)))
                _due[new(webhook.OrgId, webhook.Id)] = true;
        }
        catch
        {
            _changed = true;
            throw;
        }
        _caughtUp = since;
    }

    private void FindWritten()
    {
        foreach (var (orgId, entry) in organizationLog.Recorded)
        {
            if (_seen.GetValueOrDefault(orgId) >= entry)
                continue;
            _seen[orgId] = entry;
            foreach (var webhook in _active[orgId])
                _due[new(orgId, webhook.Id)] = true;
        }
    }

    private void Start(WebhookPlace place, CancellationToken stopping, CancellationToken ending)
    {
        // One that is running stays due: what is new may have come after it looked.
        if (_running.ContainsKey(place))
            return;
        _due.TryRemove(place, out _);
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[place] = Run(place, start.Task, stopping, ending);
        start.SetResult();
    }

    private async Task Run(WebhookPlace place, Task start, CancellationToken stopping, CancellationToken ending)
    {
        await start;
        try
        {
            if (!await runner.Run(place.OrgId, place.WebhookId, stopping, ending))
            {
                // The other instance may have looked before this one wrote.
                await Task.Delay(settings.PollInterval, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                _due[place] = true;
            }
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            Failed(failure);
            await Task.Delay(settings.PollInterval * 4, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _due[place] = true;
        }
        finally
        {
            _running.TryRemove(place, out _);
        }
    }

    private void Failed(Exception failure)
    {
        if (_failures.ShouldLog(out _))
            CannotDeliver(log, failure.GetType().Name, failure.Message);
    }

    [LoggerMessage(LogLevel.Warning, "Webhooks could not be delivered; retrying: {Exception}: {Reason}")]
    private static partial void CannotDeliver(ILogger log, string exception, string reason);
}
