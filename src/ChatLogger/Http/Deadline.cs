namespace ChatLogger.Http;

/// <summary>
/// One deadline for everything a request asks of the database: waiting for a connection, connecting, the commands. It replaces
/// <see cref="HttpContext.RequestAborted"/>, so every handler has it without knowing. The time in which the caller is still sending its body
/// does not count; that has a limit of its own.
/// </summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationToken _callerGone;
    private readonly TimeProvider _time;
    private readonly TimeSpan _whole;
    private TimeSpan _left;
    private long _since;

    private Deadline(HttpContext context, ServerSettings settings, TimeProvider time)
    {
        _time = time;
        _callerGone = context.RequestAborted;
        _whole = context.GetEndpoint()?.Metadata.GetMetadata<Patience>()?.Of(settings) ?? settings.DatabaseDeadline;
        _left = _whole;
        _since = time.GetTimestamp();
        _source = CancellationTokenSource.CreateLinkedTokenSource(_callerGone);
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
        await next(context);
    }

    /// <summary>The caller has hung up, as opposed to: we ran out of time.</summary>
    public static bool CallerIsGone(HttpContext context) =>
        context.Features.Get<Deadline>()?._callerGone.IsCancellationRequested ?? context.RequestAborted.IsCancellationRequested;

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
}

/// <summary>An endpoint whose questions may take longer than <see cref="ServerSettings.DatabaseDeadline"/>.</summary>
internal sealed class Patience(Func<ServerSettings, TimeSpan> choose)
{
    public TimeSpan Of(ServerSettings settings) => choose(settings);
}
