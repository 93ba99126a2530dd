using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Runs database work that its caller awaits no longer than a token allows. When the token is cancelled, the caller continues at once; the
/// work is cancelled in the background, and its connection returns to the pool, or is broken, when PostgreSQL has reacted or Npgsql has
/// given up.
/// </summary>
/// <remarks>
/// Npgsql itself blocks the caller: it sends the cancel request over a new connection, synchronously on the thread that cancels the token,
/// and waits for the reply. A server whose processes are stopped, or whose host no longer responds, accepts that connection and never
/// answers.
/// </remarks>
internal static class DatabaseWork
{
    /// <summary>The time within which a live server ends a cancelled statement.</summary>
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Opens a connection and runs the work on it.</summary>
    public static Task<T> Run<T>(NpgsqlDataSource db, Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken ct)
    {
        var connecting = new Progress();
        return Run(
            db,
            async token =>
            {
                await using var connection = await db.ConnectAsync(token);
                connecting.IsConnected = true;
                return await work(connection, token);
            },
            connecting,
            ct);
    }

    /// <summary>Runs work that opens its connections from <paramref name="db"/> itself.</summary>
    public static Task<T> Run<T>(NpgsqlDataSource db, Func<CancellationToken, Task<T>> work, CancellationToken ct) =>
        Run(db, work, new Progress { IsConnected = true }, ct);

    private static async Task<T> Run<T>(NpgsqlDataSource db, Func<CancellationToken, Task<T>> work, Progress progress, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var cancellation = new CancellationTokenSource();
        var running = work(cancellation.Token);
        var isAbandoned = false;
        try
        {
            return await running.WaitAsync(ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested && !running.IsCompleted)
        {
            isAbandoned = true;
            _ = Abandon(db, running, cancellation, progress.IsConnected);
            throw;
        }
        finally
        {
            if (!isAbandoned)
                cancellation.Dispose();
        }
    }

    private static async Task Abandon(NpgsqlDataSource db, Task running, CancellationTokenSource cancellation, bool isConnected)
    {
        // The cancel request blocks, so it runs on a dedicated thread; a caller that still waits for a connection is cancelled without one.
        var cancelling = isConnected
            ? Task.Factory.StartNew(cancellation.Cancel, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            : cancellation.CancelAsync();
        // A server that does not react is gone or frozen: each of its idle connections would block another request.
        if (isConnected && await Task.WhenAny(running, Task.Delay(CancelTimeout)) != running)
            db.Clear();
        await cancelling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.Dispose();
    }

    private sealed class Progress
    {
        private volatile bool _isConnected;

        public bool IsConnected
        {
            get => _isConnected;
            set => _isConnected = value;
        }
    }
}
