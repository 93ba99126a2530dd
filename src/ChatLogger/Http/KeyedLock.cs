using System.Collections.Concurrent;

namespace ChatLogger.Http;

/// <summary>
/// Serializes requests with the same Idempotency-Key within a process, so that no statement contains a key twice and the second request
/// finds what the first wrote. Between processes the key's row does the same.
/// </summary>
internal sealed class KeyedLock<TParent>(TimeSpan timeout, TimeProvider time)
    where TParent : notnull
{
    private readonly ConcurrentDictionary<(TParent Parent, string Key), Task> _held = new();

    /// <summary>Waits for the lock; disposal releases it.</summary>
    /// <exception cref="ProblemException">409: the holder takes longer than the timeout.</exception>
    public async Task<IDisposable> Acquire(TParent parent, string key, CancellationToken ct)
    {
        for (var since = time.GetTimestamp(); ;)
        {
            if (TryAcquire(parent, key) is { } keyLock)
                return keyLock;
            await Wait(parent, key, since, ct);
        }
    }

    /// <summary>
    /// Acquires the lock if it is free. A caller that already holds locks must use this: waiting for more could deadlock with another such
    /// caller.
    /// </summary>
    public IDisposable? TryAcquire(TParent parent, string key)
    {
        var keyLock = new Holder(_held, (parent, key));
        return _held.TryAdd((parent, key), keyLock.Released) ? keyLock : null;
    }

    /// <summary>
    /// Waits until the holder releases the lock, for the rest of the timeout that began at the time stamp <paramref name="since"/>.
    /// </summary>
    /// <exception cref="ProblemException">409: the holder takes longer than the timeout.</exception>
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
