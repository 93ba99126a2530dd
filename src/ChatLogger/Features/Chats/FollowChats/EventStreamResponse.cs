using System.Text;
using ChatLogger.LiveEvents;
using Microsoft.AspNetCore.Http.Features;

namespace ChatLogger.Features;

/// <summary>
/// Sends a stream of events until the client, its rights or the service ends. Without a stream it sends the headers only. Meanwhile it
/// holds no connection to the database; a client that reads too slowly is cut off by the server, as with any response.
/// </summary>
internal sealed class EventStreamResponse(LiveStream? stream) : IResult
{
    // A client is told to read everything anew no more often than this, however much happens.
    private static readonly TimeSpan ResetPause = TimeSpan.FromSeconds(1);

    // How long a client may take to read what is being sent while the stream ends.
    private static readonly TimeSpan LastRead = TimeSpan.FromSeconds(1);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = "text/event-stream";
        httpContext.Response.Headers["X-Accel-Buffering"] = "no";
        if (stream is null)
            return;
        httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, stream.Ended);
        try
        {
            await Follow(httpContext, stream, ends.Token);
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
        }
    }

    private static async Task Follow(HttpContext context, LiveStream stream, CancellationToken ends)
    {
        var heartbeat = context.RequestServices.GetRequiredService<LiveSettings>().Heartbeat;
        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        var isIdle = true;
        var known = -1L;
        while (true)
        {
            var (resetAt, events, position) = stream.Take();
            var text = new MemoryStream();
            if (resetAt is { } seq)
                Put(text, $"event: reset\nid: {Id(seq)}\ndata: {{}}\n\n");
            foreach (var each in events)
                text.Write(each.Text);
            // An id without an event lets a client resume that has not been told anything for a long time.
            if (text.Length == 0 && isIdle)
                Put(text, position == known ? ":\n\n" : $":\nid: {Id(position)}\n\n");
            if (text.Length > 0)
            {
                known = position;
                await Send(context, text, ends);
            }
            if (resetAt is not null)
                await Task.Delay(ResetPause, ends);
            isIdle = !await stream.Wait(heartbeat, ends);
        }

        string Id(long seq) => LiveEventId.Write(stream.Listener.OrgId, seq, time.GetUtcNow());
    }

    // A client that does not read when the stream ends is cut off: the service would wait for it when it stops.
    private static async Task Send(HttpContext context, MemoryStream text, CancellationToken ends)
    {
        ends.ThrowIfCancellationRequested();
        var sending = Write();
        try
        {
            await sending.WaitAsync(ends);
        }
        catch (OperationCanceledException)
        {
            if (await Task.WhenAny(sending, Task.Delay(LastRead, CancellationToken.None)) != sending)
                context.Abort();
            await sending;
            throw;
        }

        async Task Write()
        {
            await context.Response.Body.WriteAsync(text.GetBuffer().AsMemory(0, (int)text.Length), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static void Put(MemoryStream text, string line) => text.Write(Encoding.UTF8.GetBytes(line));
}
