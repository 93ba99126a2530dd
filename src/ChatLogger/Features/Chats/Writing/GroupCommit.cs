using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using ChatLogger.Http;
using ChatLogger.Telemetry;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Writes what many requests bring in one statement and one commit. There is one writer and no linger: a flush takes whatever gathered while the
/// commit before it ran, so that a lone request waits for nobody and a crowd shares the cost. Everybody is answered after the commit that
/// their own row was in, and nobody's mistake, lock or hanging up is anybody else's.
/// </summary>
internal sealed partial class GroupCommit<T> : IAsyncDisposable
    where T : IWrite
{
    private readonly string _name;
    private readonly IFlush<T> _flush;
    private readonly NpgsqlDataSource _db;
    private readonly WritingSettings _settings;
    private readonly Instruments _instruments;
    private readonly ILogger _log;
    private readonly Channel<Pending> _queue = Channel.CreateUnbounded<Pending>(new() { SingleReader = true });
    private readonly SemaphoreSlim _lockWaiters;
    private readonly Task _writer;

    // Places that somebody else has locked, and who waits there, in their order. Guarded by itself.
    private readonly Dictionary<Place, Locked> _locked = [];
    private readonly Dictionary<Guid, (int Rows, long Bytes)> _lockedOf = [];
    private readonly Room _room;

    /// <param name="flush">The statement.</param>
    /// <param name="db">Where it runs.</param>
    /// <param name="settings">How much at a time.</param>
    /// <param name="instruments">Where it is measured.</param>
    /// <param name="log">For rows that nobody should have let through.</param>
    /// <param name="room">Where others wait too; null: a room of its own.</param>
    /// <param name="name">What it is known by where it is measured.</param>
    public GroupCommit(IFlush<T> flush, NpgsqlDataSource db, WritingSettings settings, Instruments instruments, ILogger log, Room? room = null, string name = "messages")
    {
        _name = name;
        _room = room ?? new Room(settings.QueueRows, settings.QueueBytes);
        _flush = flush;
        _db = db;
        _settings = settings;
        _instruments = instruments;
        _log = log;
        _lockWaiters = new SemaphoreSlim(settings.LockWaiters);
        // Whose request it is that happens to come first is not where all the others' commits belong.
        using (ExecutionContext.SuppressFlow())
            _writer = Task.Run(Write);
    }

    /// <summary>Where those are counted who wait.</summary>
    public Room Room => _room;

    /// <summary>
    /// Queues a write and waits for its commit. When <paramref name="ct"/> is cancelled, a write that still waits is dropped and will not be
    /// written; one that is on its way to the database goes on with its neighbours, and its answer is waited for a moment longer.
    /// </summary>
    /// <exception cref="Problem">Too much is waiting already, or the database will not have this row.</exception>
    /// <exception cref="NpgsqlException">The database cannot be had, or went away: then nobody knows whether the row is written.</exception>
    public async Task<Fate> Write(T write, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        _room.Enter(1, write.Bytes);
        var alone = new Alone(write);
        if (!_queue.Writer.TryWrite(alone))
            Refuse(alone, Problem.Stopping());
        using var patience = ct.UnsafeRegister(static alone => ((Alone)alone!).GiveUp(), alone);
        return await alone.Task;
    }

    /// <summary>Queues a write of a party, for which there is room already. Writes at the same place keep the order of the calls.</summary>
    public void Write(T write, Party party, int place)
    {
        var guest = new Guest(write, party, place);
        party.Invite(place, guest);
        if (!_queue.Writer.TryWrite(guest))
            Refuse(guest, Problem.Stopping());
    }

    /// <summary>Writes what is still queued. Called when the last request has been answered, so that is nothing but what nobody waits for.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer;
        while (true)
        {
            Task[] waiting;
            lock (_locked)
                waiting = [.. _locked.Values.Select(locked => locked.Waiting)];
            if (waiting.Length == 0)
                break;
            await Task.WhenAll(waiting);
        }
        _lockWaiters.Dispose();
    }

    private async Task Write()
    {
        var batch = new List<Pending>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            Gather(batch);
            if (await Flush(batch, wait: false) is { } locked)
                SetAside(locked);
        }
    }

    private void Gather(List<Pending> batch)
    {
        batch.Clear();
        var bytes = 0L;
        while (batch.Count < _settings.FlushRows && bytes < _settings.FlushBytes && _queue.Reader.TryRead(out var pending))
        {
            if (!IsGone(pending) && !JoinsThoseWhoWait(pending))
            {
                batch.Add(pending);
                bytes += pending.Item.Bytes;
            }
        }
    }

    /// <summary>Answers all who can be; returns those whose place is locked, null when there are none.</summary>
    private async Task<List<Pending>?> Flush(List<Pending> batch, bool wait)
    {
        batch.RemoveAll(HasGivenUp);
        if (batch.Count == 0)
            return null;
        try
        {
            List<Pending>? locked = null;
            var fates = await Commit.Run(
                _instruments, _name, batch[0].Age, batch.Select(pending => pending.Request).OfType<Activity>(), () => _flush.Run(batch.ConvertAll(pending => pending.Item), wait));
            for (var i = 0; i < fates.Length; i++)
            {
                if (fates[i] == Fate.Locked)
                    (locked ??= []).Add(batch[i]);
                else if (fates[i] == Fate.Unknown && batch[i] is { WasCut: { } cut, Item.Once: null })
                    Refuse(batch[i], cut); // What it belongs to was there for the first attempt, perhaps: nobody may say that nothing is written.
                else
                    Answer(batch[i], fates[i]);
            }
            return Landed(locked);
        }
        catch (PostgresException refused) when (IsLock(refused))
        {
            // A key that a twin on another instance has not committed yet. No place is to blame, so the others must get away from it.
            if (IsKey(refused) && batch.Count > 1 && wait)
                return await Halves(batch, wait);
            // Where the statement that holds the key may be our own, whose answer was cut off, there is no other request to speak of.
            if (IsKey(refused) && wait && batch[0].WasCut is null && batch[0].Age > _settings.TwinPatience)
            {
                Refuse(batch[0], Problem.IdempotencyKeyInUse());
                return null;
            }
            return Landed(batch);
        }
        catch (PostgresException refused) when (IsOfARow(refused))
        {
            if (batch.Count > 1)
                return await Halves(batch, wait);
            // Nobody but our own statement whose answer was cut off can have written a row with this id.
            if (batch[0].WasCut is not null && refused.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                Answer(batch[0], Fate.Written);
                return null;
            }
            RefusedRow(_log, refused.SqlState, refused.ConstraintName ?? "(no constraint)");
            Refuse(batch[0], Problem.Validation(Problem.BodyPath, "The database cannot keep this."));
            return null;
        }
        catch (NpgsqlException cut) when (IsCut(cut) && batch.Exists(pending => pending.WasCut is null))
        {
            // Of connections that lay idle, more may be gone than the one we took. Whether the rows are written nobody knows; writing them again
            // finds out, for they have their ids. The old statement may still be running and hold its locks, so a row can be parked or bisected
            // before that is known: each row remembers that it was sent. A row is sent twice at most.
            _db.Clear();
            foreach (var pending in batch.Where(pending => pending.WasCut is not null))
                Refuse(pending, cut);
            batch = batch.FindAll(pending => pending.WasCut is null);
            batch.ForEach(pending => pending.WasCut = cut);
            return await Flush(Landed(batch)!, wait);
        }
        catch (Exception failure)
        {
            _db.Clear();
            foreach (var pending in batch)
                Refuse(pending, failure);
            return null;
        }
    }

    // One after the other: what waits in both halves at one place keeps its order.
    private async Task<List<Pending>?> Halves(List<Pending> batch, bool wait)
    {
        Landed(batch);
        List<Pending>? locked = null;
        foreach (var half in new[] { batch[..(batch.Count / 2)], batch[(batch.Count / 2)..] })
        {
            if (await Flush(half, wait) is { } still)
                (locked ??= []).AddRange(still);
        }
        return locked;
    }

    // Nobody is writing them now: who gave up meanwhile is told so.
    private static List<Pending>? Landed(List<Pending>? batch)
    {
        batch?.ForEach(pending => pending.Lands());
        return batch;
    }

    private void SetAside(List<Pending> locked)
    {
        lock (_locked)
        {
            foreach (var pending in locked)
                Wait(pending);
        }
    }

    // A place that was locked a moment ago is not tried again with the others; and whoever comes later must not overtake who waits.
    private bool JoinsThoseWhoWait(Pending pending)
    {
        lock (_locked)
        {
            if (_locked.Count == 0 || !_locked.ContainsKey(pending.Item.Place))
                return false;
            Wait(pending);
            return true;
        }
    }

    private void Wait(Pending pending)
    {
        ref var share = ref CollectionsMarshal.GetValueRefOrAddDefault(_lockedOf, pending.Item.Place.OrgId, out _);
        if (share.Rows >= Math.Max(1, _settings.QueueRows * _settings.LockedShare) || share.Bytes >= _settings.QueueBytes * _settings.LockedShare)
        {
            Refuse(pending, Room.Full());
            return;
        }
        share = (share.Rows + 1, share.Bytes + pending.Item.Bytes);
        if (_locked.TryGetValue(pending.Item.Place, out var locked))
        {
            locked.Pending.Add(pending);
            return;
        }
        _locked[pending.Item.Place] = locked = new Locked();
        locked.Pending.Add(pending);
        locked.Waiting = Task.Run(() => WaitFor(pending.Item.Place, locked));
    }

    private async Task WaitFor(Place place, Locked locked)
    {
        // In turns: so many places wait at a time, each for as long as the pool waits for a lock.
        for (var someoneWaits = true; someoneWaits;)
        {
            await _lockWaiters.WaitAsync();
            try
            {
                var batch = TakeThoseWhoWait(place, locked);
                someoneWaits = batch is not null;
                if (batch is not null)
                    await Flush(batch, wait: true);
            }
            finally
            {
                _lockWaiters.Release();
            }
        }
    }

    /// <summary>Null when nobody waits any more, and the place is like any other again.</summary>
    private List<Pending>? TakeThoseWhoWait(Place place, Locked locked)
    {
        lock (_locked)
        {
            // Answered meanwhile, or gone. They are counted as waiting until now.
            foreach (var pending in locked.Pending)
            {
                if (!pending.IsAnswered)
                    continue;
                ref var share = ref CollectionsMarshal.GetValueRefOrAddDefault(_lockedOf, place.OrgId, out _);
                share = (share.Rows - 1, share.Bytes - pending.Item.Bytes);
                if (share.Rows == 0)
                    _lockedOf.Remove(place.OrgId);
            }
            locked.Pending.RemoveAll(IsGone);
            if (locked.Pending.Count == 0)
            {
                _locked.Remove(place);
                return null;
            }
            var bytes = 0L;
            return [.. locked.Pending.Take(_settings.FlushRows).TakeWhile(pending => (bytes += pending.Item.Bytes) <= _settings.FlushBytes || bytes == pending.Item.Bytes)];
        }
    }

    private bool HasGivenUp(Pending pending)
    {
        if (pending.TakesOff())
            return false;
        Leave(pending);
        return true;
    }

    private bool IsGone(Pending pending)
    {
        if (!pending.IsAnswered)
            return false;
        Leave(pending);
        return true;
    }

    private void Answer(Pending pending, Fate fate)
    {
        Leave(pending);
        pending.TryAnswer(fate, null);
    }

    private void Refuse(Pending pending, Exception why)
    {
        Leave(pending);
        pending.TryAnswer(default, why);
    }

    // What is counted is what is held in memory, whether or not somebody still waits for it.
    private void Leave(Pending pending)
    {
        if (!pending.HasLeft)
        {
            pending.HasLeft = true;
            _room.Leave(1, pending.Item.Bytes);
        }
    }

    private static bool IsLock(PostgresException refused) =>
        refused.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    // The context of the error names the index that the twin's entry was met in.
    private static bool IsKey(PostgresException refused) => refused.Where?.Contains("idempotency_keys", StringComparison.Ordinal) == true;

    // The connection, or the server on the other side; as opposed to a server that is too slow, which a second attempt only makes slower.
    private static bool IsCut(NpgsqlException failure) => failure is PostgresException refused
        ? refused.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown
        : failure.InnerException is IOException or SocketException or ObjectDisposedException;

    // 22: the data; 23: a constraint; 54: a limit of the program, such as the size of an index' entry.
    private static bool IsOfARow(PostgresException refused) => refused.SqlState[..2] is "22" or "23" or "54";

    [LoggerMessage(LogLevel.Error, "The database refuses a row that was found valid: {SqlState} {Constraint}")]
    private static partial void RefusedRow(ILogger log, string sqlState, string constraint);

    /// <summary>A write and who waits for it. It waits, flies to the database, may come back unwritten, and in the end is answered or gone.</summary>
    private abstract class Pending(T item)
    {
        private const int Waiting = 0, Flying = 1, Gone = 2;

        private readonly long _since = Stopwatch.GetTimestamp();
        private int _state;
        private int _answered;
        private volatile bool _givenUp;

        public T Item => item;

        /// <summary>The span of the request, while somebody traces.</summary>
        public Activity? Request { get; } = Tracing.Source.HasListeners() ? Activity.Current : null;

        public TimeSpan Age => Stopwatch.GetElapsedTime(_since);

        public bool HasLeft { get; set; }

        /// <summary>
        /// How the connection was lost after this row was sent; whether the row was written then is not known. Null: it was not sent before.
        /// </summary>
        public NpgsqlException? WasCut { get; set; }

        public bool IsAnswered => Volatile.Read(ref _answered) != 0;

        public bool TakesOff() => Interlocked.CompareExchange(ref _state, Flying, Waiting) == Waiting;

        public void Lands()
        {
            Interlocked.Exchange(ref _state, Waiting);
            if (_givenUp)
                GivesUp();
        }

        public bool GivesUp()
        {
            _givenUp = true;
            if (Interlocked.CompareExchange(ref _state, Gone, Waiting) == Flying)
                return false;
            TryAnswer(default, new WaitTimeoutException("The queue of what is to be written did not move in time. Try again shortly."));
            return true;
        }

        public void IsGivenUp() =>
            TryAnswer(default, new WaitTimeoutException("The database did not confirm in time that this is written. Try again shortly."));

        /// <summary>The first answer counts.</summary>
        public void TryAnswer(Fate fate, Exception? why)
        {
            if (Interlocked.Exchange(ref _answered, 1) == 0)
                Tell(fate, why);
        }

        protected abstract void Tell(Fate fate, Exception? why);
    }

    private sealed class Alone(T item) : Pending(item)
    {
        private readonly TaskCompletionSource<Fate> _told = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Fate> Task => _told.Task;

        public void GiveUp()
        {
            if (!GivesUp())
                _ = System.Threading.Tasks.Task.Delay(Party.Grace).ContinueWith(_ => IsGivenUp(), TaskScheduler.Default);
        }

        protected override void Tell(Fate fate, Exception? why)
        {
            if (why is null)
                _told.SetResult(fate);
            else
                _told.SetException(why);
        }
    }

    private sealed class Guest(T item, Party party, int place) : Pending(item), Party.IGuest
    {
        protected override void Tell(Fate fate, Exception? why) => party.Ends(place, new Ending(fate, why));
    }

    private sealed class Locked
    {
        public List<Pending> Pending { get; } = [];

        public Task Waiting { get; set; } = Task.CompletedTask;
    }
}
