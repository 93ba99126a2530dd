using ChatLogger.ExportJobs;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>
/// A response with a stored file. Reading each block from the store has the deadline of a whole request; the time in which the client
/// receives it does not count, because a slow client holds no resource but the block. An error during the transfer aborts the connection,
/// so that the client notices that the file is incomplete.
/// </summary>
internal sealed partial class StoredFileResponse(ExportFile file, string contentType, string name) : IResult
{
    private const int WriteBytes = 32_768;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var answer = FileResponse.Begin(httpContext, file.Sha256, file.Bytes, contentType, name);
        if (answer.Status == StatusCodes.Status304NotModified || HttpMethods.IsHead(httpContext.Request.Method))
            return;

        var store = httpContext.RequestServices.GetRequiredService<IExportStore>();
        var deadline = httpContext.Features.Get<Deadline>()!;
        var blocks = answer.Gzip ? store.ReadGzip(file, deadline.Token) : store.Read(file, answer.Start, answer.Length, deadline.Token);
        try
        {
            await using var each = blocks.GetAsyncEnumerator(deadline.Token);
            while (true)
            {
                deadline.Restart();
                if (!await each.MoveNextAsync())
                    break;
                deadline.Pause(Timeout.InfiniteTimeSpan);
                // Writes in small parts: the server applies backpressure between two writes and buffers each of them completely.
                for (var left = each.Current; !left.IsEmpty; left = left[Math.Min(left.Length, WriteBytes)..])
                    await httpContext.Response.Body.WriteAsync(left[..Math.Min(left.Length, WriteBytes)], httpContext.RequestAborted);
            }
        }
        catch (Exception failure) when (httpContext.Response.HasStarted && !Deadline.IsClientDisconnected(httpContext))
        {
            CutShort(httpContext.RequestServices.GetRequiredService<ILogger<StoredFileResponse>>(), file.ExportId, failure.GetType().Name);
            httpContext.Abort();
        }
        catch (Exception) when (httpContext.Response.HasStarted)
        {
            httpContext.Abort();
        }
    }

    [LoggerMessage(LogLevel.Warning, "The download of export {ExportId} was cut: {Exception}")]
    private static partial void CutShort(ILogger log, Guid exportId, string exception);
}
