using System.Collections.Concurrent;

namespace ChatLogger.Http;

/// <summary>
/// Lets requests with the same Idempotency-Key in one process go one after the other, so that no statement has a key twice and the second finds
/// what the first has written. Between processes the key's row does the same.
/// </summary>
internal sealed class Twins<TParent>(TimeSpan patience, TimeProvider time)
    where TParent : notnull
{
    private readonly ConcurrentDictionary<(TParent Parent, string Key), Task> _running = new();

    /// <summary>Waits for its turn; the turn ends with disposal.</summary>
    /// <exception cref="Problem">The other one takes too long: 409.</exception>
    public async Task<IDisposable> Turn(TParent parent, string key, CancellationToken ct)
    {
        for (var since = time.GetTimestamp(); ;)
        {
            if (TryTurn(parent, key) is { } turn)
                return turn;
            await Wait(parent, key, since, ct);
        }
    }

    /// <summary>A turn, if nobody has it. Who holds some and waits for others would wait for ever for somebody who does the same: they only try.</summary>
    public IDisposable? TryTurn(TParent parent, string key)
    {
        var turn = new OneTurn(_running, (parent, key));
        return _running.TryAdd((parent, key), turn.Over) ? turn : null;
    }

    /// <summary>Waits until the turn that somebody has is over, for what is left of the patience since a time stamp.</summary>
    /// <exception cref="Problem">The other one takes too long: 409.</exception>
    public async Task Wait(TParent parent, string key, long since, CancellationToken ct)
    {
        if (!_running.TryGetValue((parent, key), out var running))
            return;
        var left = patience - time.GetElapsedTime(since);
        try
        {
            await running.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, ct);
        }
        catch (TimeoutException)
        {
            throw Problem.IdempotencyKeyInUse();
        }
    }

    private sealed class OneTurn(ConcurrentDictionary<(TParent, string), Task> running, (TParent, string) mine) : IDisposable
    {
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Over => _over.Task;

        public void Dispose()
        {
            running.TryRemove(mine, out _);
            _over.SetResult();
        }
    }
}
