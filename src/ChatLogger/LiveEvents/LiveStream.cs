using System.Threading.Channels;

namespace ChatLogger.LiveEvents;

/// <summary>Who follows: a session of a member in an organization.</summary>
/// <param name="SessionId">The session, whose end ends the stream.</param>
/// <param name="UserId">The member.</param>
/// <param name="Role">The role of the member's account, whose change ends the stream.</param>
/// <param name="OrgId">The organization.</param>
/// <param name="OnlyChatsOf">The member whose chats alone are visible; null: all chats.</param>
internal sealed record LiveListener(Guid SessionId, Guid UserId, string Role, Guid OrgId, Guid? OnlyChatsOf);

/// <summary>
/// The events for one caller that are not sent yet, in the order of the log, each once. It holds a limited number: a caller who does not
/// keep up is told to read everything anew.
/// </summary>
internal sealed class LiveStream(LiveListener listener, Action<LiveStream> close) : IDisposable
{
    /// <summary>The maximum number of events that wait to be sent.</summary>
    public const int MaxPending = 2_000;

    private readonly Lock _lock = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _ended = new();
    private List<LiveEvent> _pending = [];
    private Task<bool>? _waiting;
    private long? _resetAt;
    private long _position;
    private int _closed;

    public LiveListener Listener => listener;

    /// <summary>Cancelled when the service or the caller's rights end.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Begins after a number: everything up to it is known to the caller, or follows by <see cref="Prepend"/>.</summary>
    public void Begin(long after) => _position = after;

    /// <summary>Adds the next events, which are all that there are up to a number.</summary>
    public void Add(IReadOnlyList<LiveEvent> events, long upTo)
    {
        lock (_lock)
        {
            if (upTo <= _position)
                return;
            foreach (var each in events)
            {
                if (each.Seq > _position && Sees(each))
                    _pending.Add(each);
            }
            _position = upTo;
            if (_pending.Count > MaxPending)
                Drop();
            if (_pending.Count > 0)
                _wake.Writer.TryWrite(true);
        }
    }

    /// <summary>Skips the events up to a number, because there are too many: the caller must read everything anew.</summary>
    public void Skip(long upTo)
    {
        lock (_lock)
        {
            if (upTo <= _position)
                return;
            _position = upTo;
            Drop();
        }
    }

    /// <summary>What the caller missed before the stream began is not known: the caller must read everything anew.</summary>
    public void Reset()
    {
        lock (_lock)
            Drop();
    }

    /// <summary>Adds the events that the caller missed before the stream began.</summary>
    public void Prepend(IReadOnlyList<LiveEvent> events)
    {
        lock (_lock)
        {
            if (_resetAt is not null)
                return;
            _pending.InsertRange(0, events.Where(Sees));
            if (_pending.Count > MaxPending)
                Drop();
            if (_pending.Count > 0)
                _wake.Writer.TryWrite(true);
        }
    }

    /// <summary>
    /// Takes what is to be sent: a reset first, if there is the number of one, then the events. Afterwards the caller knows everything
    /// up to the position.
    /// </summary>
    public (long? ResetAt, IReadOnlyList<LiveEvent> Events, long Position) Take()
    {
        lock (_lock)
        {
            var taken = (_resetAt, _pending, _position);
            (_resetAt, _pending) = (null, []);
            return taken;
        }
    }

    /// <summary>Waits until there is something to send. False: there is nothing after this time.</summary>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public async Task<bool> Wait(TimeSpan atMost, CancellationToken ct)
    {
        // One wait stays pending over several calls, because a channel keeps every waiter.
        _waiting ??= _wake.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
        using var delay = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var first = await Task.WhenAny(_waiting, Task.Delay(atMost, delay.Token));
        await delay.CancelAsync();
        ct.ThrowIfCancellationRequested();
        if (first != _waiting)
            return false;
        _waiting = null;
        _wake.Reader.TryRead(out _);
        return true;
    }

    // Not on the caller's thread, which would run what waits for it.
    public Task End() => _ended.CancelAsync();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
            close(this);
    }

    private bool Sees(LiveEvent each) => listener.OnlyChatsOf is not { } userId || each.UserId == userId;

    private void Drop()
    {
        _pending = [];
        _resetAt = _position;
        _wake.Writer.TryWrite(true);
    }
}
