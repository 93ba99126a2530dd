using System.Net.Sockets;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Ingest;

// What happens to the writes of a batch whose statement failed: they are written again, alone or with some of the others, or fail.
internal sealed partial class GroupCommit
{
    /// <summary>Returns the writes of locked logs, like <see cref="Flush"/>.</summary>
    private async Task<List<QueuedWrite>?> Recover(List<QueuedWrite> batch, bool wait, Exception failure)
    {
        switch (failure)
        {
            // Somebody has locked a row that the insert needs, outside the order of locks; the error does not tell which. Bisecting the
            // batch lets the other rows pass.
            case PostgresException refused when IsLockTimeout(refused):
                return wait && batch.Count > 1 ? await Bisect(batch, wait) : Requeue(batch);

            case PostgresException refused when IsRowError(refused):
                if (batch.Count > 1)
                    return await Bisect(batch, wait);
                // Ids are unique to a row: only our own first statement, whose result was lost with the connection, can have written this
                // id, and with it the other rows of the write.
                if (batch[0].LostConnection is not null && refused.SqlState == PostgresErrorCodes.UniqueViolation)
                {
                    batch[0].Complete([.. batch[0].Rows.Select(_ => WriteStatus.Written)]);
                    return null;
                }
                RefusedRow(_log, refused.SqlState, Engine.Constraint(refused) ?? "(no constraint)");
                batch[0].Fail(ProblemException.Validation(ProblemException.BodyPath, "The database cannot keep this."));
                return null;

            case NpgsqlException cut when IsConnectionLost(cut) && batch.Exists(write => write.LostConnection is null):
                // Other idle connections of the pool may be broken too, so we clear it. It is unknown whether the rows are written.
                // Writing them again with the same ids finds out: a unique violation then means that the first attempt succeeded. The
                // first statement may still be running and hold its locks, so a row can be parked or bisected before its status is known;
                // therefore each row remembers in LostConnection that it was sent. A row is sent twice at most.
                _db.Clear();
                foreach (var write in batch.Where(write => write.LostConnection is not null))
                    write.Fail(cut);
                batch = batch.FindAll(write => write.LostConnection is null);
                batch.ForEach(write => write.LostConnection = cut);
                return await Flush(Requeue(batch)!, wait);

            default:
                _db.Clear();
                batch.ForEach(write => write.Fail(failure));
                return null;
        }
    }

    // The halves run one after the other, so that writes of an organization keep their order across the halves.
    private async Task<List<QueuedWrite>?> Bisect(List<QueuedWrite> batch, bool wait)
    {
        Requeue(batch);
        List<QueuedWrite>? locked = null;
        foreach (var half in new[] { batch[..(batch.Count / 2)], batch[(batch.Count / 2)..] })
        {
            if (await Flush(half, wait) is { } still)
                (locked ??= []).AddRange(still);
        }
        return locked;
    }

    private static bool IsLockTimeout(PostgresException refused) =>
        refused.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    // True when the connection broke or the server stopped. A time-out of a slow server is not included: a retry would only add to its
    // load.
    private static bool IsConnectionLost(NpgsqlException failure) => failure is PostgresException refused
        ? refused.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown || Engine.HasLostNode(refused)
        : failure.InnerException is IOException or SocketException or ObjectDisposedException;

    /// <summary>
    /// Whether the database refuses a row. Classes of SQLSTATE: 22 is a data exception, 23 an integrity constraint violation, 54 an
    /// exceeded program limit such as the size of an index entry.
    /// </summary>
    internal static bool IsRowError(PostgresException refused) => refused.SqlState[..2] is "22" or "23" or "54";

    [LoggerMessage(LogLevel.Error, "The database refuses a row that was found valid: {SqlState} {Constraint}")]
    private static partial void RefusedRow(ILogger log, string sqlState, string constraint);
}
