using System.ComponentModel.DataAnnotations;

namespace ChatLogger.Http;

/// <summary>
/// The limits of what a caller may send. Section <c>Limits</c>, one setting each (<c>Limits__ContentBytes=524288</c>). The upper ends of
/// the ranges are what the schema and the indexes allow.
/// </summary>
internal sealed record Limits
{
    public const string Section = "Limits";

    /// <summary>The size of a request's body, in bytes. Default 1 MiB.</summary>
    [Range(4_096, 16_777_216)]
    public int BodyBytes { get; init; } = 1_048_576;

    /// <summary>The size of a batch's body, in bytes, also after decompression. Default 4 MiB.</summary>
    [Range(4_096, 67_108_864)]
    public int BatchBytes { get; init; } = 4_194_304;

    /// <summary>The size of an OTLP export, in bytes, also after decompression. Default 20 MiB.</summary>
    [Range(4_096, 67_108_864)]
    public int OtlpBytes { get; init; } = 20_971_520;

    /// <summary>The size of a batch of Langfuse's legacy ingestion, in bytes, also after decompression. Default 3.5 MB.</summary>
    [Range(4_096, 67_108_864)]
    public int LangfuseBytes { get; init; } = 3_500_000;

    /// <summary>The number of items of a batch. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int BatchItems { get; init; } = 1_000;

    /// <summary>The length of the name that a batch gives to one of its chats, in characters. Default 128.</summary>
    [Range(1, 1_024)]
    public int RefLength { get; init; } = 128;

    /// <summary>The size of a login's body, in bytes. Default 4 KiB.</summary>
    [Range(512, 65_536)]
    public int LoginBodyBytes { get; init; } = 4_096;

    /// <summary>The size of a message's content, parts and tool calls together, in bytes of UTF-8. Default 256 KiB.</summary>
    [Range(1, 4_194_304)]
    public int ContentBytes { get; init; } = 262_144;

    /// <summary>The number of parts of a message. Default 100.</summary>
    [Range(1, 10_000)]
    public int Parts { get; init; } = 100;

    /// <summary>The length of a part's type, in characters. Default 64.</summary>
    [Range(1, 1_024)]
    public int PartTypeLength { get; init; } = 64;

    /// <summary>
    /// How deep objects and arrays may nest in parts and in the arguments of tool calls; the part, or the arguments, is 1. Default 16.
    /// </summary>
    [Range(1, 60)]
    public int PartDepth { get; init; } = 16;

    /// <summary>The number of keys in the parts and arguments of a message, on all levels together. Default 1,024.</summary>
    [Range(1, 100_000)]
    public int PartKeys { get; init; } = 1_024;

    /// <summary>The length of a number in parts and arguments, in characters as sent. Default 64.</summary>
    [Range(1, 1_024)]
    public int PartNumberLength { get; init; } = 64;

    /// <summary>The number of tool calls of a message. Default 128.</summary>
    [Range(1, 10_000)]
    public int ToolCalls { get; init; } = 128;

    /// <summary>The length of the name of a tool or participant, and of the id of a tool call, in characters. Default 128.</summary>
    [Range(1, 512)]
    public int ToolNameLength { get; init; } = 128;

    /// <summary>The size of metadata, in bytes as sent. Default 16 KiB.</summary>
    [Range(2, 1_048_576)]
    public int MetadataBytes { get; init; } = 16_384;

    /// <summary>How deep objects and arrays may nest in metadata; the metadata object itself is 1. Default 16.</summary>
    [Range(1, 60)]
    public int MetadataDepth { get; init; } = 16;

    /// <summary>The number of keys in metadata, on all levels together. Default 256.</summary>
    [Range(1, 10_000)]
    public int MetadataKeys { get; init; } = 256;

    /// <summary>The length of a key in metadata, in characters. Default 128.</summary>
    [Range(1, 4_096)]
    public int MetadataKeyLength { get; init; } = 128;

    /// <summary>The length of a number in metadata, in characters as sent. Default 64.</summary>
    [Range(1, 1_024)]
    public int MetadataNumberLength { get; init; } = 64;

    /// <summary>The number of tags of a chat. Default 20.</summary>
    [Range(1, 100)]
    public int Tags { get; init; } = 20;

    /// <summary>The length of a tag, in characters. Default 64.</summary>
    [Range(1, 256)]
    public int TagLength { get; init; } = 64;

    /// <summary>The length of a title or a name, in characters. Default 200.</summary>
    [Range(1, 200)]
    public int NameLength { get; init; } = 200;

    /// <summary>The length of an API key's label, in characters. Default 100.</summary>
    [Range(1, 100)]
    public int LabelLength { get; init; } = 100;

    /// <summary>The length of the plugin's id for an end user, in characters. Default 128.</summary>
    [Range(1, 256)]
    public int ExternalUserIdLength { get; init; } = 128;

    /// <summary>The length of the caller's own id of a chat, in characters. Default 200.</summary>
    [Range(1, 512)]
    public int ExternalIdLength { get; init; } = 200;

    /// <summary>The length of a model's name, in characters. Default 100.</summary>
    [Range(1, 256)]
    public int ModelLength { get; init; } = 100;

    /// <summary>The length of a feedback comment, in characters. Default 2,000.</summary>
    [Range(1, 2_000)]
    public int CommentLength { get; init; } = 2_000;

    /// <summary>The maximum latency, in milliseconds. Default a day.</summary>
    [Range(1, 2_000_000_000)]
    public int LatencyMs { get; init; } = 86_400_000;

    /// <summary>The maximum number of tokens. Default 10 million.</summary>
    [Range(1, 2_000_000_000)]
    public int Tokens { get; init; } = 10_000_000;

    /// <summary>The date range of an analytics query, in local days. Default 366.</summary>
    [Range(1, 3_660)]
    public int AnalyticsDays { get; init; } = 366;

    /// <summary>The length of the list of top users in analytics. Default 50.</summary>
    [Range(1, 1_000)]
    public int AnalyticsTop { get; init; } = 50;

    /// <summary>The models that an organization may set prices for. Default 200.</summary>
    [Range(1, 200)]
    public int PricedModels { get; init; } = 200;

    /// <summary>The number of webhooks of an organization. Default 10.</summary>
    [Range(1, 1_000)]
    public int Webhooks { get; init; } = 10;

    /// <summary>The patterns of its own that an organization may redact by. Default 20.</summary>
    [Range(0, 100)]
    public int RedactionPatterns { get; init; } = 20;

    /// <summary>The length of such a pattern, in characters. Default 200.</summary>
    [Range(1, 1_000)]
    public int RedactionPatternLength { get; init; } = 200;

    /// <summary>The number of API keys of an organization that are neither revoked nor expired. Default 20.</summary>
    [Range(1, 1_000)]
    public int LiveKeys { get; init; } = 20;

    /// <summary>The number of origins that a key may be restricted to. Default 20.</summary>
    [Range(1, 1_000)]
    public int AllowedOrigins { get; init; } = 20;
}
