using System.Runtime.CompilerServices;

namespace ChatLogger.Testing;

/// <summary>
/// Waits for an event that a test needs. The limit is generous, because only a failing test ever reaches it, and it counts rounds
/// instead of seconds: a round takes longer on a busy machine, so that the limit grows as the machine slows down.
/// </summary>
internal static class Wait
{
    /// <summary>No less than a minute and a half.</summary>
    private const int Rounds = 9_000;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    public static async Task Until(Func<Task<bool>> isSo, [CallerArgumentExpression(nameof(isSo))] string what = "")
    {
        for (var round = 0; !await isSo(); round++)
        {
            Assert.True(round < Rounds, $"It never came to pass: {what}");
            await Task.Delay(Pause);
        }
    }

    public static Task Until(Func<bool> isSo, [CallerArgumentExpression(nameof(isSo))] string what = "") =>
        Until(() => Task.FromResult(isSo()), what);

    /// <summary>Waits for the task's end, and has its outcome.</summary>
    public static async Task<T> For<T>(Task<T> task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await For((Task)task, what);
        return await task;
    }

    public static async Task For(Task task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        for (var round = 0; !task.IsCompleted; round++)
        {
            Assert.True(round < Rounds, $"It never ended: {what}");
            await Task.WhenAny(task, Task.Delay(Pause));
        }
        await task;
    }
}
