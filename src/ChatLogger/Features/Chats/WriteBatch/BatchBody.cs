using System.Buffers;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using ChatLogger.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Features;

/// <summary>
/// The body of a batch. The envelope is parsed strictly: an invalid one fails the whole request with 400. The items are cut out as byte
/// ranges and each is parsed by itself, as strictly as <see cref="Body{T}"/> parses; an error in an item, even invalid text, fails only
/// that item.
/// </summary>
internal sealed class BatchBody : IEndpointParameterMetadataProvider
{
    private const string List = "items";

    private static readonly JsonTypeInfo<WriteBatch.ChatItem> Chat = Shape<WriteBatch.ChatItem>();
    private static readonly JsonTypeInfo<WriteBatch.MessageItem> Message = Shape<WriteBatch.MessageItem>();
    private static readonly JsonTypeInfo<WriteBatch.FeedbackItem> Feedback = Shape<WriteBatch.FeedbackItem>();

    private BatchBody(WriteBatch.Item[] items) => Items = items;

    private enum ItemType
    {
        NotAnObject,
        Unknown,
        Chat,
        Message,
        Feedback,
    }

    public IReadOnlyList<WriteBatch.Item> Items { get; }

    public static async ValueTask<BatchBody> BindAsync(HttpContext context)
    {
        if (IdempotencyKey.IsIn(context))
            throw ProblemException.Validation(IdempotencyKey.Path, "A batch has none of its own: each item may have one.");
        var limits = context.RequestServices.GetRequiredService<Limits>();
        var sent = await BodyReader.Read(context);
        var hashes = context.RequestServices.GetRequiredService<BodyHashes>();
        byte[]? rented = null;
        try
        {
            var length = (int)sent.Length;
            if (HeaderValidation.IsGzip(context.Request))
            {
                length = BodyReader.Unpack(sent, limits.BatchBytes, out rented);
            }
            else if (!sent.IsSingleSegment)
            {
                rented = ArrayPool<byte>.Shared.Rent(length);
                sent.CopyTo(rented);
            }
            return new(Read(rented is null ? sent.FirstSpan : rented.AsSpan(0, length), limits.BatchItems, hashes));
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
            context.Request.BodyReader.AdvanceTo(sent.End);
        }
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new BodyShape(typeof(WriteBatch.Request)));

    private static WriteBatch.Item[] Read(ReadOnlySpan<byte> body, int most, BodyHashes hashes)
    {
        var json = Json.WithoutByteOrderMark(body);
        if (!Utf8.IsValid(json))
            throw ProblemException.Validation(ProblemException.BodyPath, "Is not valid UTF-8.");
        List<(System.Range Place, ItemType Type)>? found;
        try
        {
            found = Cut(json, most);
        }
        catch (JsonException)
        {
            throw JsonDiagnosis.NotJson(json);
        }
        if (found is null)
            throw ProblemException.Validation(List, "Is required.");
        if (found.Count == 0)
            throw ProblemException.Validation(List, $"Must be 1 to {most}.");
        var items = new WriteBatch.Item[found.Count];
        for (var i = 0; i < items.Length; i++)
            items[i] = Read(json[found[i].Place], found[i].Type, hashes);
        return items;
    }

    // The depth is not limited here: a deeply nested item is well-formed JSON, and parsing that item alone rejects it.
    private static List<(System.Range Place, ItemType Type)>? Cut(ReadOnlySpan<byte> json, int most)
    {
        List<(System.Range, ItemType)>? items = null;
        var (unknown, twice, wrong) = (false, false, false);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            while (reader.Read())
            {
            }
            throw ProblemException.Validation(ProblemException.BodyPath, "The body must be a JSON object.");
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var known = Is(ref reader, "items"u8);
            reader.Read();
            unknown |= !known;
            twice |= known && items is not null;
            wrong |= known && reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.Null);
            if (known && reader.TokenType == JsonTokenType.StartArray)
                Cut(ref reader, items = [], most);
            else
                reader.Skip();
        }
        // The reader throws if anything follows the object.
        while (reader.Read())
        {
        }
        if (unknown)
            throw ProblemException.Validation(ProblemException.BodyPath, $"There is a member that is not known here. Known are: {List}.");
        if (twice)
            throw ProblemException.Validation(List, "Given more than once.");
        if (wrong)
            throw ProblemException.Validation(List, "Must be an array.");
        return items;
    }

    private static void Cut(ref Utf8JsonReader reader, List<(System.Range, ItemType)> items, int most)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (items.Count == most)
                throw ProblemException.Validation(List, $"Must be 1 to {most}.");
            var start = (int)reader.TokenStartIndex;
            var type = reader.TokenType == JsonTokenType.StartObject ? TypeOf(ref reader) : ItemType.NotAnObject;
            reader.Skip();
            items.Add((start..(int)reader.BytesConsumed, type));
        }
    }

    private static ItemType TypeOf(ref Utf8JsonReader reader)
    {
        var type = ItemType.Unknown;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = type == ItemType.Unknown && Is(ref reader, "type"u8);
            reader.Read();
            if (isType && reader.TokenType == JsonTokenType.String)
                type = Is(ref reader, "chat"u8) ? ItemType.Chat
                    : Is(ref reader, "message"u8) ? ItemType.Message
                    : Is(ref reader, "feedback"u8) ? ItemType.Feedback
                    : ItemType.Unknown;
            reader.Skip();
        }
        return type;
    }

    private static WriteBatch.Item Read(ReadOnlySpan<byte> item, ItemType type, BodyHashes hashes) => type switch
    {
        ItemType.Chat => Read(item, Chat, chat => chat.IdempotencyKey, hashes),
        ItemType.Message => Read(item, Message, message => message.IdempotencyKey, hashes),
        ItemType.Feedback => Read(item, Feedback, feedback => feedback.IdempotencyKey, hashes),
        ItemType.Unknown => new(null, null, ProblemException.Validation("type", "Must be chat, message or feedback.")),
        _ => new(null, null, ProblemException.Validation(ProblemException.BodyPath, "An item must be a JSON object.")),
    };

    private static WriteBatch.Item Read<T>(ReadOnlySpan<byte> item, JsonTypeInfo<T> shape, Func<T, string?> key, BodyHashes hashes)
        where T : class =>
        Read(item, shape, out var problem) is { } value
            ? new(value, key(value) is null ? null : hashes.Of(SHA256.HashData(item)), null)
            : new(null, null, problem);

    private static T? Read<T>(ReadOnlySpan<byte> item, JsonTypeInfo<T> shape, out ProblemException? problem)
        where T : class
    {
        problem = TextSafety.Check(item) is var (sentence, offset)
            ? ProblemException.Validation(JsonDiagnosis.MemberAt(item, offset, shape), sentence)
            : null;
        if (problem is not null)
            return null;
        try
        {
            return JsonSerializer.Deserialize(item, shape);
        }
        catch (JsonException exception)
        {
            problem = JsonDiagnosis.Explain(item, shape, exception);
            return null;
        }
    }

    // ValueTextEquals throws for a lone surrogate, which cannot be part of a known name.
    private static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> text)
    {
        if (!reader.ValueIsEscaped)
            return reader.ValueSpan.SequenceEqual(text);
        try
        {
            return reader.ValueTextEquals(text);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static JsonTypeInfo<T> Shape<T>() => (JsonTypeInfo<T>)Json.Options.GetTypeInfo(typeof(T));
}
