namespace ChatLogger.Http;

/// <summary>
/// One deadline for all database work of a request: waiting for a connection, connecting and the commands. It replaces
/// <see cref="HttpContext.RequestAborted"/> until the handler returns, so it applies to every handler without extra code, and it never
/// aborts a response that is being sent. The time in which the caller sends its body does not count, nor does password hashing; both have
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

    /// <summary>
    /// An endpoint filter: the handler's result is sent without a deadline. The server aborts clients that read too slowly.
    /// </summary>
    public static async ValueTask<object?> EndWithHandler(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var result = await next(invocation);
        invocation.HttpContext.Features.Get<Deadline>()?.End(invocation.HttpContext);
        return result;
    }

    /// <summary>
    /// Pauses the deadline of the current request, if there is one, until disposal: for work that is not database work or has a limit of
    /// its own.
    /// </summary>
    public static Pausing PauseCurrent(TimeSpan atMost)
    {
        var deadline = Ambient.Value;
        deadline?.Pause(atMost);
        return new(deadline);
    }

    /// <summary>
    /// Cancelled at the deadline and when the client disconnects; also for responses that read from the database while they are sent.
    /// </summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Whether the client has disconnected, as opposed to an expired deadline.</summary>
    public static bool IsClientDisconnected(HttpContext context) =>
        context.Features.Get<Deadline>()?._clientDisconnected.IsCancellationRequested ?? context.RequestAborted.IsCancellationRequested;

    /// <summary>Pauses the deadline while the caller sends its body, for at most <paramref name="atMost"/>.</summary>
    public void Pause(TimeSpan atMost)
    {
        _left -= _time.GetElapsedTime(_since);
        _source.CancelAfter(atMost);
    }

    /// <summary>Resumes the deadline with the time that was left.</summary>
    public void Resume()
    {
        _since = _time.GetTimestamp();
        _source.CancelAfter(_left > TimeSpan.Zero ? _left : TimeSpan.Zero);
    }

    /// <summary>Restarts the full deadline, for the next part of a streamed response.</summary>
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

/// <summary>Marks an endpoint whose queries may take longer than <see cref="ServerSettings.DatabaseDeadline"/>.</summary>
internal sealed class TimeoutOverride(Func<ServerSettings, TimeSpan> choose)
{
    public TimeSpan Of(ServerSettings settings) => choose(settings);
}
