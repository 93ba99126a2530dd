using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace ChatLogger.Http;

/// <summary>The response to a request for a file, from its headers: which bytes (RFC 9110, 14), which encoding, or 304.</summary>
internal sealed record FileResponse(int Status, bool Gzip, long Start, long Length)
{
    /// <summary>
    /// Decides on the response and writes its headers. It serves a single range of the uncompressed file; a request for several ranges gets
    /// the whole file. It ignores a range whose <c>If-Range</c> is not this file's tag.
    /// </summary>
    /// <exception cref="ProblemException">416: the range begins after the end of the file.</exception>
    public static FileResponse Begin(HttpContext context, string tag, long length, string contentType, string fileName)
    {
        var (request, response) = (context.Request, context.Response);
        var identity = $"\"{tag}\"";
        var gzipped = $"\"{tag}-gzip\"";
        response.Headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        // Ranges apply to GET only, and conditional requests only to GET and HEAD (RFC 9110, 13.1.2 and 14.2).
        var isGet = HttpMethods.IsGet(request.Method);
        var isFetch = isGet || HttpMethods.IsHead(request.Method);
        if (isFetch)
            response.Headers.AcceptRanges = "bytes";

        var headers = request.GetTypedHeaders();
        if (isFetch && headers.IfNoneMatch.Any(known => known.Tag == "*" || known.Tag == identity || known.Tag == gzipped))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            response.Headers.ETag = AcceptsGzip(headers) ? gzipped : identity;
            return new(304, false, 0, 0);
        }

        response.ContentType = contentType;
        response.Headers.ContentDisposition = $"attachment; filename=\"{fileName}\"";
        if (isGet && headers.Range is { Unit.Value: "bytes", Ranges: { Count: 1 } ranges } && IsOf(headers.IfRange, identity))
        {
            var range = ranges.First();
            var start = range.From ?? Math.Max(0, length - range.To!.Value);
            var end = range.From is null || range.To is null || range.To >= length ? length - 1 : range.To.Value;
            if (start >= length || (range.From is null && range.To == 0))
            {
                response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{length}");
                response.Headers.Remove(HeaderNames.ContentDisposition);
                throw ProblemException.RangeNotSatisfiable(length);
            }
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ETag = identity;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {start}-{end}/{length}");
            response.ContentLength = end - start + 1;
            return new(206, false, start, end - start + 1);
        }

        response.StatusCode = StatusCodes.Status200OK;
        if (AcceptsGzip(headers))
        {
            response.Headers.ETag = gzipped;
            response.Headers.ContentEncoding = "gzip";
            return new(200, true, 0, length);
        }
        response.Headers.ETag = identity;
        response.ContentLength = length;
        return new(200, false, 0, length);
    }

    private static bool IsOf(RangeConditionHeaderValue? condition, string identity) =>
        condition is null || (condition.EntityTag is { IsWeak: false } tag && tag.Tag == identity);

    private static bool AcceptsGzip(Microsoft.AspNetCore.Http.Headers.RequestHeaders headers) =>
        headers.AcceptEncoding.Any(encoding =>
            encoding.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && encoding.Quality is null or > 0);
}
