using System.Buffers;
using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>Reads the body of an integration, which may be compressed with gzip, within the limit of its route.</summary>
internal static class IntegrationBody
{
    public delegate T Parser<out T>(ReadOnlySpan<byte> body);

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
