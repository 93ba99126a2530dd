using System.Collections.Concurrent;

namespace ChatLogger.Http;

/// <summary>
/// Lets requests with the same Idempotency-Key in one process go one after the other, so that no statement has a key twice and the second finds
/// what the first has written. Between processes the key's row does the same.
/// </summary>
internal sealed class KeyedLock<TParent>(TimeSpan timeout, TimeProvider time)
    where TParent : notnull
{
    private readonly ConcurrentDictionary<(TParent Parent, string Key), Task> _held = new();

    /// <summary>Waits for its turn; the turn ends with disposal.</summary>
    /// <exception cref="ProblemException">The other one takes too long: 409.</exception>
    public async Task<IDisposable> Acquire(TParent parent, string key, CancellationToken ct)
    {
        for (var since = time.GetTimestamp(); ;)
        {
            if (TryAcquire(parent, key) is { } keyLock)
                return keyLock;
            await Wait(parent, key, since, ct);
        }
    }

    /// <summary>A turn, if nobody has it. Who holds some and waits for others would wait for ever for somebody who does the same: they only try.</summary>
    public IDisposable? TryAcquire(TParent parent, string key)
    {
        var keyLock = new Holder(_held, (parent, key));
        return _held.TryAdd((parent, key), keyLock.Released) ? keyLock : null;
    }

    /// <summary>Waits until the turn that somebody has is over, for what is left of the patience since a time stamp.</summary>
    /// <exception cref="ProblemException">The other one takes too long: 409.</exception>
    public async Task Wait(TParent parent, string key, long since, CancellationToken ct)
    {
        if (!_held.TryGetValue((parent, key), out var running))
            return;
        var left = timeout - time.GetElapsedTime(since);
        try
        {
            await running.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, ct);
        }
        catch (TimeoutException)
        {
            throw ProblemException.IdempotencyKeyInUse();
        }
    }

    private sealed class Holder(ConcurrentDictionary<(TParent, string), Task> running, (TParent, string) mine) : IDisposable
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Released => _released.Task;

        public void Dispose()
        {
            running.TryRemove(mine, out _);
            _released.SetResult();
        }
    }
}
