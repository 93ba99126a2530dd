
namespace ChatLogger.PrivatePostgres;

/// <summary>
/// A lock between processes that the kernel releases even after kill -9. On Unix .NET uses flock(2): exclusive for
/// <see cref="FileShare.None"/>, shared otherwise; child processes do not inherit the descriptor.
/// </summary>
internal static class FileLock
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits for the lock by polling, so that the wait can be cancelled.</summary>
    public static async Task<IDisposable> Exclusive(string path, CancellationToken ct)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            if (TryExclusive(path) is { } held)
                return held;
            if (waited.Elapsed > Timeout)
                throw new PrivateDatabaseException(
                    $"Another process has held {path} for {Timeout.TotalSeconds:0} seconds. "
                    + "Is it starting or stopping the database? If it hangs, end it.");
            await Task.Delay(PollInterval, ct);
        }
    }

    public static IDisposable? TryExclusive(string path) => TryOpen(path, FileAccess.ReadWrite, FileShare.None);

    public static IDisposable? TryShared(string path)
    {
        // The file must exist before it can be opened for reading.
        if (!File.Exists(path))
            TryExclusive(path)?.Dispose();
        return TryOpen(path, FileAccess.Read, FileShare.Read);
    }

    private static FileStream? TryOpen(string path, FileAccess access, FileShare share)
    {
        try
        {
            return new FileStream(path, access == FileAccess.Read ? FileMode.Open : FileMode.OpenOrCreate, access, share, bufferSize: 0);
        }
        catch (IOException busy) when (IsBusy(busy))
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new PrivateDatabaseException($"The data directory {Path.GetDirectoryName(path)} cannot be used: {failure.Message}");
        }
    }

    // EWOULDBLOCK on Linux, EWOULDBLOCK on macOS, ERROR_SHARING_VIOLATION on Windows.
    private static bool IsBusy(IOException failure) => failure.HResult is 11 or 35 or unchecked((int)0x80070020);
}
