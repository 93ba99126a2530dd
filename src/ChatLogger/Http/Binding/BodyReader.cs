using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using Microsoft.AspNetCore.Http.Features;

namespace ChatLogger.Http;

/// <summary>A request's body as bytes: within the limit of its route whether its length is declared or not, and while it arrives in time.</summary>
internal static class BodyReader
{
    /// <summary>Head and trailer of a gzip member, and the two bytes of nothing compressed.</summary>
    private const int MinGzipBytes = 20;

    /// <summary>The whole body. Whoever is done with it advances <see cref="HttpRequest.BodyReader"/> to its end.</summary>
    public static async ValueTask<ReadOnlySequence<byte>> Read(HttpContext context)
    {
        var limit = BodyLimit.Of(context);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            // The server counts the framing of chunks too: six bytes for a chunk of one. What the body itself may have is counted below.
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
                // Nearly always the body came with the head, and nobody has to wait.
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
                    throw ProblemException.Unavailable("More is being sent than can be taken. Try again shortly.", TimeSpan.FromSeconds(1));
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
        // A chunk's length that overflows.
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

    // The body is held until the request is over.
    private static BodyMemoryBudget.Reservation Part(HttpContext context, ref BodyMemoryBudget.Reservation? part)
    {
        if (part is null)
            context.Response.RegisterForDispose(part = new(context.RequestServices.GetRequiredService<BodyMemoryBudget>()));
        return part;
    }

    /// <summary>
    /// What a gzip file holds: one member, whole, and nothing behind it. Unpacking stops at the limit, so that what pretends to be small takes no
    /// more room than what is allowed to be large.
    /// </summary>
    /// <param name="gzip">The file.</param>
    /// <param name="limit">The bytes that may come out.</param>
    /// <param name="unpacked">Rented from the shared pool; the caller returns it.</param>
    /// <returns>How many bytes came out.</returns>
    public static int Unpack(ReadOnlySequence<byte> gzip, int limit, out byte[] unpacked)
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
                if (length == buffer.Length)
                    buffer = Doubled(buffer);
            }
            // The stream does not mind an end that comes too early, nor what follows the end. The last eight bytes tell both: checksum and length.
            Span<byte> trailer = stackalloc byte[8];
            gzip.Slice(gzip.Length - 8).CopyTo(trailer);
            if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != Crc32.HashToUInt32(buffer.AsSpan(0, length))
                || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != length)
                throw BrokenGzip();
            unpacked = buffer;
            return length;
        }
        // The second is what the library throws when zlib fails in any other way; a stream in memory has no failures of its own.
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

    private static byte[] Doubled(byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(2 * buffer.Length);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private static ProblemException BrokenGzip() => ProblemException.Validation(ProblemException.BodyPath, "The body is not one whole gzip file.");
}
