using System.IO.Compression;
using ChatLogger.ExportJobs;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>A response with the file of a synchronous export.</summary>
internal sealed class BufferedFileResponse(SyncExportFile file, string name) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var answer = FileResponse.Begin(httpContext, file.Sha256, file.Bytes.Length, file.Format.ContentType, name);
        var bytes = answer.Gzip ? Compressed() : file.Bytes;
        httpContext.Response.ContentLength = bytes.Length;
        await httpContext.Response.Body.WriteAsync(bytes, httpContext.RequestAborted);
    }

    private ReadOnlyMemory<byte> Compressed()
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(file.Bytes.Span);
        return buffer.ToArray();
    }
}
