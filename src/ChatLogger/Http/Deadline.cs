namespace ChatLogger.Http;

/// <summary>
/// One deadline for everything a request asks of the database: waiting for a connection, connecting, the commands. It replaces
/// <see cref="HttpContext.RequestAborted"/> until the handler has returned, so every handler has it without knowing, and it never ends an answer that
/// is being sent. The time in which the caller is still sending its body does not count, nor does the time in which passwords are hashed; those have
/// limits of their own.
/// </summary>
internal sealed class Deadline : IDisposable
{
    private static readonly AsyncLocal<Deadline?> Ambient = new();

    private readonly CancellationTokenSource _source;
    private readonly CancellationToken _clientDisconnected;
    private readonly TimeProvider _time;
    private readonly TimeSpan _whole;
    private TimeSpan _left;
    private long _since;

    private Deadline(HttpContext context, ServerSettings settings, TimeProvider time)
    {
        _time = time;
        _clientDisconnected = context.RequestAborted;
        _whole = context.GetEndpoint()?.Metadata.GetMetadata<TimeoutOverride>()?.Of(settings) ?? settings.DatabaseDeadline;
        _left = _whole;
        _since = time.GetTimestamp();
        _source = CancellationTokenSource.CreateLinkedTokenSource(_clientDisconnected);
        _source.CancelAfter(_left);
    }

    public static async Task Middleware(HttpContext context, RequestDelegate next)
    {
        using var deadline = new Deadline(
            context,
            context.RequestServices.GetRequiredService<ServerSettings>(),
            context.RequestServices.GetRequiredService<TimeProvider>());
        context.Features.Set(deadline);
        context.RequestAborted = deadline._source.Token;
        Ambient.Value = deadline;
        await next(context);
    }

    /// <summary>For every endpoint: what its handler returned is sent without a deadline. Who takes too little of it at a time is cut by the server.</summary>
    public static async ValueTask<object?> EndWithHandler(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var result = await next(invocation);
        invocation.HttpContext.Features.Get<Deadline>()?.End(invocation.HttpContext);
        return result;
    }

    /// <summary>
    /// Stops the clock of the request that is being served, if there is one, until disposal: what happens meanwhile is not the database's time, or has
    /// more of it.
    /// </summary>
    public static Pausing PauseCurrent(TimeSpan atMost)
    {
        var deadline = Ambient.Value;
        deadline?.Pause(atMost);
        return new(deadline);
    }

    /// <summary>Cancelled at the deadline, and when the caller is gone; also for an answer whose parts come from the database while it is sent.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The caller has hung up, as opposed to: we ran out of time.</summary>
    public static bool IsClientDisconnected(HttpContext context) =>
        context.Features.Get<Deadline>()?._clientDisconnected.IsCancellationRequested ?? context.RequestAborted.IsCancellationRequested;

    /// <summary>Stops the clock while the caller sends its body, for at most <paramref name="atMost"/>.</summary>
    public void Pause(TimeSpan atMost)
    {
        _left -= _time.GetElapsedTime(_since);
        _source.CancelAfter(atMost);
    }

    /// <summary>Lets the clock run on.</summary>
    public void Resume()
    {
        _since = _time.GetTimestamp();
        _source.CancelAfter(_left > TimeSpan.Zero ? _left : TimeSpan.Zero);
    }

    /// <summary>Begins anew, for the next piece of an answer that comes in pieces.</summary>
    public void Restart()
    {
        _left = _whole;
        Resume();
    }

    public void Dispose() => _source.Dispose();

    private void End(HttpContext context)
    {
        _source.CancelAfter(Timeout.InfiniteTimeSpan);
        context.RequestAborted = _clientDisconnected;
    }

    internal readonly struct Pausing(Deadline? deadline) : IDisposable
    {
        public void Dispose() => deadline?.Resume();
    }
}

/// <summary>An endpoint whose questions may take longer than <see cref="ServerSettings.DatabaseDeadline"/>.</summary>
internal sealed class TimeoutOverride(Func<ServerSettings, TimeSpan> choose)
{
    public TimeSpan Of(ServerSettings settings) => choose(settings);
}
