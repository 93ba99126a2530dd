using ChatLogger.Http;
using ChatLogger.Ingest;

namespace ChatLogger.Features;

/// <summary>
/// Writes the chats, or the messages, of one batch, each exactly once per Idempotency-Key. The caller has reserved the queue capacity of
/// all of them.
/// </summary>
/// <param name="writes">The chats or messages.</param>
/// <param name="queue">Queues some of them, which one transaction writes, as part of a group, beginning at this place of it.</param>
/// <param name="find">Finds what was written under the Idempotency-Keys of some of them.</param>
/// <param name="capacity">The capacity of the queue.</param>
/// <param name="locks">The locks of the Idempotency-Keys.</param>
/// <param name="time">The clock.</param>
/// <param name="errorOf">Returns the error that the caller sees of a failure.</param>
internal sealed class BatchWrite<T>(
    IReadOnlyList<T> writes,
    Action<IReadOnlyList<IWrite>, PendingWriteGroup, int> queue,
    Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<StoredItem>>> find,
    QueueCapacity capacity,
    KeyedLock<ParentKey> locks,
    TimeProvider time,
    Func<Exception, ProblemException> errorOf)
    where T : IWrite
{
    private readonly BatchItemResult[] _results = new BatchItemResult[writes.Count];

    /// <summary>Parents with an earlier write that waits for its Idempotency-Key; later writes must not overtake it.</summary>
    private readonly HashSet<ParentKey> _blocked = [];

    /// <summary>The 404 for an item whose parent does not exist in its organization.</summary>
    public required string ParentNotFound { get; init; }

    /// <summary>The 404 for an item that was written with this Idempotency-Key and deleted since.</summary>
    public required string Deleted { get; init; }

    /// <summary>The 404 for an item that stands for something that was deleted and does not come back.</summary>
    public string Gone { get; init; } = "";

    /// <summary>
    /// Finds what stands for the same thing as some of them, and stores their Idempotency-Keys for it. Null: these rows have no identity
    /// but their id.
    /// </summary>
    public Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<ExistingItem>>>? FindExisting { get; init; }

    /// <summary>Whether writes with the same parent keep their order.</summary>
    public bool InOrder { get; init; }

    /// <summary>
    /// Whether one transaction writes all of them, or none: then they have one parent, and no other such batch of the same parent is in
    /// flight.
    /// </summary>
    public bool AllOrNone { get; init; }

    public async Task<BatchItemResult[]> Run(CancellationToken ct)
    {
        // Of concurrent requests with the same Idempotency-Key only one may be in flight. The batch acquires the key locks that are
        // free, writes those items and releases the locks. Only then does it wait for the other locks, without holding any, so that two
        // batches cannot deadlock.
        List<int> waiting = [.. Enumerable.Range(0, writes.Count)];
        for (var since = time.GetTimestamp(); waiting.Count > 0;)
        {
            var keyLocks = new List<IDisposable>();
            try
            {
                var ready = AcquireLocks(ref waiting, keyLocks);
                if (ready.Count > 0)
                {
                    await Write(ready, ct);
                    continue;
                }
            }
            finally
            {
                keyLocks.ForEach(keyLock => keyLock.Dispose());
            }

            var first = writes[waiting[0]];
            try
            {
                await locks.Wait(first.KeyParent, LockName(first), since, ct);
            }
            catch (Exception failure)
            {
                var failed = AllOrNone ? waiting : [waiting[0]];
                foreach (var i in failed)
                {
                    Complete(i, failure);
                    capacity.Release(writes[i]);
                }
                waiting = waiting[failed.Count..];
            }
        }
        return _results;
    }

    // A key of a caller is never empty.
    private string LockName(T write) => AllOrNone ? "" : write.IdempotencyKey!.Key;

    private List<int> AcquireLocks(ref List<int> waiting, List<IDisposable> keyLocks)
    {
        if (AllOrNone)
            return AcquireLock(ref waiting, keyLocks);
        var (ready, later) = (new List<int>(waiting.Count), new List<int>());
        _blocked.Clear();
        foreach (var i in waiting)
        {
            var write = writes[i];
            var isHeldUp = InOrder && _blocked.Count > 0 && _blocked.Contains(write.Parent);
            if (!isHeldUp && write.IdempotencyKey is { } idempotencyKey)
            {
                if (locks.TryAcquire(write.KeyParent, idempotencyKey.Key) is { } keyLock)
                    keyLocks.Add(keyLock);
                else
                    isHeldUp = true;
            }
            (isHeldUp ? later : ready).Add(i);
            if (isHeldUp)
                _blocked.Add(write.Parent);
        }
        waiting = later;
        return ready;
    }

    private List<int> AcquireLock(ref List<int> waiting, List<IDisposable> keyLocks)
    {
        var first = writes[waiting[0]];
        if (locks.TryAcquire(first.KeyParent, LockName(first)) is not { } keyLock)
            return [];
        keyLocks.Add(keyLock);
        (var ready, waiting) = (waiting, new List<int>());
        return ready;
    }

    private async Task Write(List<int> ready, CancellationToken ct)
    {
        while (ready.Count > 0)
        {
            var group = new PendingWriteGroup(ready.Count);
            if (AllOrNone)
                queue([.. ready.Select(i => (IWrite)writes[i])], group, 0);
            else
            {
                for (var i = 0; i < ready.Count; i++)
                    queue([writes[ready[i]]], group, i);
            }
            var outcomes = await group.WaitAsync(ct);

            var asked = new List<int>();
            for (var i = 0; i < ready.Count; i++)
            {
                var outcome = outcomes[i];
                if (outcome.Error is { } why)
                    Complete(ready[i], why);
                else if (outcome.Status == WriteStatus.Written)
                    _results[ready[i]] = new(writes[ready[i]].Id, false, null);
                else if (writes[ready[i]].IdempotencyKey is not null || outcome.Status == WriteStatus.AlreadyExists)
                    asked.Add(i);
                else
                    Complete(ready[i], Refusal(outcome.Status));
            }
            if (asked.Count == 0)
                return;

            // A key may be found even if the parent has been deleted since: the item was written before.
            ready = await Find(asked.ConvertAll(i => (ready[i], outcomes[i].Status)), ct);
        }
    }

    /// <summary>
    /// Completes the items whose keys, or whose existing rows, are found, and returns those that must be written again because the key
    /// expired, or the row was deleted, between the insert and this query.
    /// </summary>
    private async Task<List<int>> Find(List<(int Index, WriteStatus Status)> asked, CancellationToken ct)
    {
        var again = new List<int>();
        try
        {
            var keyed = asked.FindAll(one => writes[one.Index].IdempotencyKey is not null);
            var known = keyed.Count == 0 ? [] : await find(keyed.ConvertAll(one => writes[one.Index]), ct);
            foreach (var before in known)
                Complete(keyed[before.No - 1].Index, before);
            var rest = asked.Except(known.Select(before => keyed[before.No - 1])).ToList();
            var existing = rest.FindAll(one => one.Status == WriteStatus.AlreadyExists);
            var found = existing.Count == 0 ? [] : await FindExisting!(existing.ConvertAll(one => writes[one.Index]), ct);
            foreach (var (no, id) in found)
                Complete(existing[no - 1].Index, id);
            foreach (var (index, status) in rest.Except(found.Select(one => existing[one.No - 1])))
            {
                if (status is WriteStatus.NotFound or WriteStatus.Gone)
                    Complete(index, Refusal(status));
                else
                    again.Add(index);
            }
        }
        catch (Exception failure)
        {
            foreach (var (index, _) in asked.Where(one => _results[one.Index] == default))
                Complete(index, failure);
            return [];
        }
        return TryReserve(again) ? again : [];
    }

    // The capacity that was reserved for these items is released already. Only they fail if there is none left: the result of every other
    // item is known.
    private bool TryReserve(List<int> again)
    {
        try
        {
            capacity.Reserve([.. again.Select(index => writes[index])]);
            return true;
        }
        catch (ProblemException full)
        {
            again.ForEach(index => Complete(index, full));
            return false;
        }
    }

    private ProblemException Refusal(WriteStatus status) =>
        status == WriteStatus.Gone ? ProblemException.Deleted(Gone) : ProblemException.NotFound(ParentNotFound);

    private void Complete(int index, StoredItem before)
    {
        var write = writes[index];
        if (!write.IdempotencyKey!.BodyHash.Matches(before.BodySha256))
            Complete(index, ProblemException.IdempotencyKeyReused());
        else if (before.Id is { } id)
            Complete(index, id);
        else
            Complete(index, ProblemException.NotFound(Deleted));
    }

    private void Complete(int index, Guid id) => _results[index] = new(id, id != writes[index].Id, null);

    private void Complete(int index, Exception why) => _results[index] = new(default, false, errorOf(why));
}

/// <summary>
/// The result of a chat or message of a batch: its id, whether it was written just now or earlier (replayed); or the error.
/// </summary>
internal readonly record struct BatchItemResult(Guid Id, bool Replayed, ProblemException? Error);

/// <summary>What was written under an Idempotency-Key. No is its position (from 1) among the keys that were asked for.</summary>
internal sealed record StoredItem(int No, byte[] BodySha256, Guid? Id);

/// <summary>What was there already. No is its position (from 1) among the writes that were asked for.</summary>
internal sealed record ExistingItem(int No, Guid Id);
