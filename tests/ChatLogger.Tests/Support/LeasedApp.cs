using System.Collections.Concurrent;

namespace ChatLogger.Tests.Support;

/// <summary>
/// The service for classes of tests that only send requests, in organizations of their own: they change no table, count no rows of
/// others, and use nothing that a service does only once. One class at a time leases it, then the next, as long as no test has moved its
/// clock or stopped it, because a start takes longer than most of these classes. They share the count of failed logins, so its limits are
/// high.
/// </summary>
public sealed class LeasedApp : UnthrottledApp
{
    private static readonly ConcurrentQueue<LeasedApp> Returned = new();

    private static int _expected = typeof(LeasedApp)
        .Assembly.GetTypes()
        .Count(type => type.IsAssignableTo(typeof(IClassFixture<LeasedApp>)));

    public override async Task InitializeAsync()
    {
        if (!Returned.TryDequeue(out var other))
        {
            await base.InitializeAsync();
            return;
        }
        TakeOver(other);
        Log.Clear();
    }

    public override async Task DisposeAsync()
    {
        var expected = Interlocked.Decrement(ref _expected);
        if (HasStopped || Clock.HasMoved)
            await base.DisposeAsync();
        else
            Returned.Enqueue(this);
        // The last classes end the spare services.
        while (Returned.Count > expected && Returned.TryDequeue(out var spare))
            await spare.End();
    }

    private Task End() => base.DisposeAsync();
}
