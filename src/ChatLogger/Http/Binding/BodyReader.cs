using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Microsoft.AspNetCore.Http.Features;

namespace ChatLogger.Http;

/// <summary>
/// Reads a request's body as bytes: enforces the limit of its route, with or without a declared length, and the body timeout.
/// </summary>
internal static class BodyReader
{
    /// <summary>Header and trailer of a gzip member, plus the two bytes of an empty deflate stream.</summary>
    private const int MinGzipBytes = 20;

    /// <summary>
    /// Reads the whole body. The caller advances <see cref="HttpRequest.BodyReader"/> to its end when it no longer needs the bytes.
    /// </summary>
    public static async ValueTask<ReadOnlySequence<byte>> Read(HttpContext context)
    {
        var limit = BodyLimit.Of(context);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            // The server also counts the framing of chunks, which is six bytes for a chunk of one byte. The loop below limits the body
            // itself.
            size.MaxRequestBodySize = context.Request.ContentLength is null ? 8L * limit : limit;
        }

        var reader = context.Request.BodyReader;
        var deadline = context.Features.Get<Deadline>();
        var waiting = false;
        BodyMemoryBudget.Reservation? part = null;
        try
        {
            while (true)
            {
                // In nearly all requests the body arrives with the headers, so no wait is necessary.
                if (!reader.TryRead(out var result))
                {
                    if (!waiting)
                        deadline?.Pause(context.RequestServices.GetRequiredService<ServerSettings>().BodyTimeout);
                    waiting = true;
                    result = await reader.ReadAsync(context.RequestAborted);
                }
                if (result.Buffer.Length > limit)
                {
                    reader.AdvanceTo(result.Buffer.End);
                    throw ProblemException.BodyTooLarge(limit);
                }
                if (result.Buffer.Length > BodyMemoryBudget.CreateReservation && !Part(context, ref part).TryGrow(result.Buffer.Length))
                {
                    reader.AdvanceTo(result.Buffer.End);
                    context.Response.Headers.Connection = "close";
                    throw TooMuch();
                }
                if (result.IsCompleted)
                    return result.Buffer;
                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            }
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw ProblemException.BodyTooLarge(limit);
        }
        // The length of a chunk overflows.
        catch (IOException exception) when (exception is not BadHttpRequestException && !Deadline.IsClientDisconnected(context))
        {
            throw ProblemException.Malformed();
        }
        catch (OperationCanceledException) when (!Deadline.IsClientDisconnected(context))
        {
            context.Response.Headers.Connection = "close";
            throw ProblemException.RequestTimeout();
        }
        finally
        {
            if (waiting)
                deadline?.Resume();
        }
    }

    // The reservation lasts until the end of the request.
    private static BodyMemoryBudget.Reservation Part(HttpContext context, ref BodyMemoryBudget.Reservation? part)
    {
        if (part is null)
            context.Response.RegisterForDispose(part = new(context.RequestServices.GetRequiredService<BodyMemoryBudget>()));
        return part;
    }

    /// <summary>
    /// Decompresses a gzip file that must have exactly one complete member and nothing after it. It stops at the limit, so a decompression
    /// bomb takes no more memory than an allowed large body.
    /// </summary>
    /// <param name="gzip">The file.</param>
    /// <param name="limit">The maximum number of decompressed bytes.</param>
    /// <param name="unpacked">Rented from the shared pool; the caller returns it.</param>
    /// <param name="reservation">Reserves memory for what is decompressed; null: it is bounded by the limit alone.</param>
    /// <returns>The number of decompressed bytes.</returns>
    public static int Unpack(
        ReadOnlySequence<byte> gzip, int limit, out byte[] unpacked, BodyMemoryBudget.Reservation? reservation = null)
    {
        unpacked = [];
        if (gzip.Length < MinGzipBytes)
            throw BrokenGzip();
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(limit + 1L, 4 * gzip.Length));
        try
        {
            using var stream = new GZipStream(new MemoryStream(gzip.ToArray(), writable: false), CompressionMode.Decompress);
            var length = 0;
            while (stream.Read(buffer.AsSpan(length)) is > 0 and var count)
            {
                length += count;
                if (length > limit)
                    throw ProblemException.BodyTooLarge(limit);
                if (length > BodyMemoryBudget.CreateReservation && reservation?.TryGrow(length) == false)
                    throw TooMuch();
                if (length == buffer.Length)
                    buffer = Doubled(buffer);
            }
            // The stream ignores a truncated end and data after the end. The last eight bytes, checksum and length, reveal both.
            Span<byte> trailer = stackalloc byte[8];
            gzip.Slice(gzip.Length - 8).CopyTo(trailer);
            if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != Crc32.HashToUInt32(buffer.AsSpan(0, length))
                || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != length)
                throw BrokenGzip();
            unpacked = buffer;
            return length;
        }
        // The library throws an IOException when zlib fails in any other way; a stream in memory has no I/O failures of its own.
        catch (Exception broken) when (broken is InvalidDataException or IOException)
        {
            throw BrokenGzip();
        }
        finally
        {
            if (unpacked != buffer)
                ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static ProblemException TooMuch() =>
        ProblemException.Unavailable("More is being sent than can be taken. Try again shortly.", TimeSpan.FromSeconds(1));

    private static byte[] Doubled(byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(2 * buffer.Length);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private static ProblemException BrokenGzip() =>
        ProblemException.Validation(ProblemException.BodyPath, "The body is not one whole gzip file.");
}
