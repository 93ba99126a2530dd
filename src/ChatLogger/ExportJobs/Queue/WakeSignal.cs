using System.Threading.Channels;

namespace ChatLogger.ExportJobs;

/// <summary>Wakes a worker of this instance that waits for its next look at the database.</summary>
internal sealed class WakeSignal
{
    // Capacity 1: one pending signal suffices to wake the worker, further ones are dropped.
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Wake() => _signal.Writer.TryWrite(true);

    /// <summary>
    /// Waits for <see cref="Wake"/>, but no longer than <paramref name="atMost"/>, because other instances cannot wake this one.
    /// </summary>
    public async Task Wait(TimeSpan atMost, CancellationToken ct)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(atMost);
        try
        {
            await _signal.Reader.ReadAsync(timeout.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
        }
    }
}
