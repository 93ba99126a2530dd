using System.Runtime.InteropServices;

namespace ChatLogger.Auth;

/// <summary>
/// Runs what takes the processor for long on a thread of its own, with a somewhat lower priority than the others: it keeps none of the few threads that
/// serve requests, and gets less of the processor than each of them.
/// </summary>
internal static class Aside
{
    // Of 19 (setpriority(2)): about four tenths of the share of those at 0. At 10 it would be one tenth, and on a machine whose processors are taken a
    // login would take seconds.
    private const int Niceness = 4;
    private const int Process = 0;
    private const int StackBytes = 256 * 1024;

    public static Task<T> Run<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(
            () =>
            {
                try
                {
                    StandBack();
                    result.SetResult(work());
                }
                catch (Exception failure)
                {
                    result.SetException(failure);
                }
            },
            StackBytes)
        {
            IsBackground = true,
        }.Start();
        return result.Task;
    }

    private static void StandBack()
    {
        // Thread.Priority does nothing on Linux, where setpriority speaks of one thread; elsewhere it would speak of the whole process. Where it is
        // refused the work is done all the same.
        if (OperatingSystem.IsLinux())
            _ = setpriority(Process, 0, Niceness);
        else
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
    }

#pragma warning disable IDE1006, CA5392 // The name is the C library's, and it is found before any search begins.
    [DllImport("libc")]
    private static extern int setpriority(int which, uint who, int niceness);
#pragma warning restore IDE1006, CA5392
}
