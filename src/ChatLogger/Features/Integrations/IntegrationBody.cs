using System.Buffers;
using System.Text.Json;
using ChatLogger.Http;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>Reads the body of an integration, which may be compressed with gzip, within the limit of its route.</summary>
internal static class IntegrationBody
{
    public delegate T Parser<out T>(ReadOnlySpan<byte> body);

    /// <summary>The elements of the array that the body, a JSON object, has as this member. Other members are ignored.</summary>
    public static List<JsonElement> Elements(ReadOnlySpan<byte> body, string member)
    {
        var json = Json.WithoutByteOrderMark(body);
        RequireText(json);
        JsonElement request;
        try
        {
            request = JsonElement.Parse(json);
        }
        catch (JsonException)
        {
            throw JsonDiagnosis.NotJson(json);
        }
        return request.Get(member) is { ValueKind: JsonValueKind.Array } elements
            ? [.. elements.EnumerateArray()]
            : throw ProblemException.Validation(member, "Must be an array.");
    }

    /// <summary>
    /// Refuses JSON with text that is no text: invalid UTF-8, half of a surrogate pair. NUL is replaced where it is stored, unless there
    /// are many.
    /// </summary>
    public static void RequireText(ReadOnlySpan<byte> json)
    {
        for (var allowed = 100; TextSafety.Check(json) is var (sentence, offset); allowed--)
        {
            if (allowed == 0 || !json[offset..].StartsWith("\\u0000"u8))
                throw ProblemException.Validation(ProblemException.BodyPath, sentence);
            json = json[(offset + "\\u0000".Length)..];
        }
    }

    public static async ValueTask<T> Read<T>(HttpContext context, Parser<T> parse)
    {
        var sent = await BodyReader.Read(context);
        byte[]? rented = null;
        try
        {
            var length = (int)sent.Length;
            if (HeaderValidation.IsGzip(context.Request))
            {
                var reservation = new BodyMemoryBudget.Reservation(context.RequestServices.GetRequiredService<BodyMemoryBudget>());
                context.Response.RegisterForDispose(reservation);
                length = BodyReader.Unpack(sent, BodyLimit.Of(context), out rented, reservation);
            }
            else if (!sent.IsSingleSegment)
            {
                rented = ArrayPool<byte>.Shared.Rent(length);
                sent.CopyTo(rented);
            }
            return parse(rented is null ? sent.FirstSpan : rented.AsSpan(0, length));
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
            context.Request.BodyReader.AdvanceTo(sent.End);
        }
    }
}
