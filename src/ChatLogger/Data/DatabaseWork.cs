using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Work on a connection that is waited for no longer than a token allows. When the token is cancelled, the caller goes at once; the work is cancelled
/// in the background, and its connection returns to the pool, or is broken, when PostgreSQL has reacted or Npgsql has given up on it.
/// </summary>
/// <remarks>
/// Npgsql itself makes the caller wait: its cancel request goes over a new connection, synchronously and on the thread that cancels the token, and
/// the reply is waited for. A server whose processes are stopped, or whose host has gone silent, accepts that connection and never answers.
/// </remarks>
internal static class DatabaseWork
{
    /// <summary>How soon a server that is alive ends a statement that it was asked to cancel.</summary>
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Opens a connection, and works on it.</summary>
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

    /// <summary>Does work that opens its connections from <paramref name="db"/> itself.</summary>
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
        // On a thread of its own, for the cancel request blocks it; who still waits for a connection is cancelled without one.
        var cancelling = isConnected
            ? Task.Factory.StartNew(cancellation.Cancel, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            : cancellation.CancelAsync();
        // A server that does not react is gone or frozen: its idle connections would each keep another request waiting.
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
