namespace ChatLogger.Ingest;

// Writes of an organization whose log another transaction has locked: they leave the common batch and wait for the lock on connections of
// their own.
internal sealed partial class GroupCommit
{
    // The parked writes by organization and in their order. This dictionary is also the monitor that guards it.
    private readonly Dictionary<Guid, ParkedWrites> _parked = [];
    private readonly SemaphoreSlim _concurrentLockWaits;

    private void Park(List<QueuedWrite> locked)
    {
        lock (_parked)
        {
            foreach (var write in locked)
                ParkLocked(write);
        }
    }

    // A log that was locked a moment ago is not tried again in the common batch, and a later write must not overtake the writes that are
    // parked behind the same lock.
    private bool TryPark(QueuedWrite write)
    {
        lock (_parked)
        {
            if (_parked.Count == 0 || !_parked.ContainsKey(write.OrgId))
                return false;
            ParkLocked(write);
            return true;
        }
    }

    private void ParkLocked(QueuedWrite write)
    {
        var orgId = write.OrgId;
        if (!_parked.TryGetValue(orgId, out var locked))
        {
            _parked[orgId] = locked = new ParkedWrites();
            locked.Task = Task.Run(() => WriteParked(orgId, locked));
        }
        if (locked.Rows >= Math.Max(1, _settings.QueueRows * _settings.MaxParkedShare)
            || locked.Bytes >= _settings.QueueBytes * _settings.MaxParkedShare)
        {
            write.Fail(QueueCapacity.Full());
            return;
        }
        locked.Writes.Add(write);
        locked.Rows += write.Rows.Count;
        locked.Bytes += write.Bytes;
    }

    private async Task WriteParked(Guid orgId, ParkedWrites locked)
    {
        // The semaphore bounds how many locks are waited for at a time, each on a connection of its own and for the lock timeout of the
        // pool. A wait that times out releases the semaphore, so that the other ones proceed.
        for (var someoneWaits = true; someoneWaits;)
        {
            await _concurrentLockWaits.WaitAsync();
            try
            {
                var batch = TakeParked(orgId, locked);
                someoneWaits = batch is not null;
                if (batch is not null)
                    await Flush(batch, wait: true);
            }
            finally
            {
                _concurrentLockWaits.Release();
            }
        }
    }

    /// <summary>
    /// Takes the next batch behind a lock. Null: nothing is parked there any more, and the organization is removed from the parked ones.
    /// </summary>
    private List<QueuedWrite>? TakeParked(Guid orgId, ParkedWrites locked)
    {
        lock (_parked)
        {
            // These writes were completed or abandoned meanwhile. They count towards the share of their organization until they are removed
            // here.
            locked.Writes.RemoveAll(write =>
            {
                if (!write.DropIfAnswered())
                    return false;
                locked.Rows -= write.Rows.Count;
                locked.Bytes -= write.Bytes;
                return true;
            });
            if (locked.Writes.Count == 0)
            {
                _parked.Remove(orgId);
                return null;
            }
            var (rows, bytes) = (0, 0L);
            var batch = new List<QueuedWrite>();
            foreach (var write in locked.Writes.TakeWhile(_ => rows < _settings.FlushRows && bytes < _settings.FlushBytes))
            {
                batch.Add(write);
                rows += write.Rows.Count;
                bytes += write.Bytes;
            }
            return batch;
        }
    }

    /// <summary>Waits until nothing is parked any more. Called once the queue is closed.</summary>
    private async Task DrainParked()
    {
        while (true)
        {
            Task[] waiting;
            lock (_parked)
                waiting = [.. _parked.Values.Select(locked => locked.Task)];
            if (waiting.Length == 0)
                break;
            await Task.WhenAll(waiting);
        }
        _concurrentLockWaits.Dispose();
    }

    private sealed class ParkedWrites
    {
        public List<QueuedWrite> Writes { get; } = [];

        public int Rows { get; set; }

        public long Bytes { get; set; }

        public Task Task { get; set; } = Task.CompletedTask;
    }
}
