using System.Runtime.InteropServices;

namespace ChatLogger.Ingest;

// Writes whose row another transaction has locked: they leave the common batch and wait for the lock on connections of their own.
internal sealed partial class GroupCommit<T>
{
    // The parked writes by lock key and in their order. This dictionary is also the monitor that guards it and _parkedByOrganization.
    private readonly Dictionary<LockKey, ParkedWrites> _parked = [];
    private readonly Dictionary<Guid, (int Rows, long Bytes)> _parkedByOrganization = [];
    private readonly SemaphoreSlim _concurrentLockWaits;

    private void Park(List<QueuedWrite> locked)
    {
        lock (_parked)
        {
            foreach (var write in locked)
                ParkLocked(write);
        }
    }

    // A row that was locked a moment ago is not tried again in the common batch, and a later write must not overtake the writes that are
    // parked behind the same lock.
    private bool TryPark(QueuedWrite write)
    {
        lock (_parked)
        {
            if (_parked.Count == 0 || !_parked.ContainsKey(write.Item.LockKey))
                return false;
            ParkLocked(write);
            return true;
        }
    }

    private void ParkLocked(QueuedWrite write)
    {
        ref var share = ref CollectionsMarshal.GetValueRefOrAddDefault(_parkedByOrganization, write.Item.LockKey.OrgId, out _);
        if (
            share.Rows >= Math.Max(1, _settings.QueueRows * _settings.MaxParkedShare)
            || share.Bytes >= _settings.QueueBytes * _settings.MaxParkedShare)
        {
            write.Fail(QueueCapacity.Full());
            return;
        }
        share = (share.Rows + 1, share.Bytes + write.Item.Bytes);
        if (_parked.TryGetValue(write.Item.LockKey, out var locked))
        {
            locked.Writes.Add(write);
            return;
        }
        _parked[write.Item.LockKey] = locked = new ParkedWrites();
        locked.Writes.Add(write);
        locked.Task = Task.Run(() => WriteParked(write.Item.LockKey, locked));
    }

    private async Task WriteParked(LockKey place, ParkedWrites locked)
    {
        // The semaphore bounds how many lock keys are waited for at a time, each on a connection of its own and for the lock timeout of the
        // pool. A lock key that times out releases the semaphore, so that the other ones proceed.
        for (var someoneWaits = true; someoneWaits;)
        {
            await _concurrentLockWaits.WaitAsync();
            try
            {
                var batch = TakeParked(place, locked);
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
    /// Takes the next batch behind a lock. Null: nothing is parked there any more, and the lock key is removed from the parked ones.
    /// </summary>
    private List<QueuedWrite>? TakeParked(LockKey place, ParkedWrites locked)
    {
        lock (_parked)
        {
            // These writes were completed or abandoned meanwhile. They count towards the share of their organization until they are removed
            // here.
            foreach (var write in locked.Writes)
            {
                if (!write.IsAnswered)
                    continue;
                ref var share = ref CollectionsMarshal.GetValueRefOrAddDefault(_parkedByOrganization, place.OrgId, out _);
                share = (share.Rows - 1, share.Bytes - write.Item.Bytes);
                if (share.Rows == 0)
                    _parkedByOrganization.Remove(place.OrgId);
            }
            locked.Writes.RemoveAll(write => write.DropIfAnswered());
            if (locked.Writes.Count == 0)
            {
                _parked.Remove(place);
                return null;
            }
            var bytes = 0L;
            return
            [
                .. locked
                    .Writes.Take(_settings.FlushRows)
                    .TakeWhile(write => (bytes += write.Item.Bytes) <= _settings.FlushBytes || bytes == write.Item.Bytes),
            ];
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

        public Task Task { get; set; } = Task.CompletedTask;
    }
}
