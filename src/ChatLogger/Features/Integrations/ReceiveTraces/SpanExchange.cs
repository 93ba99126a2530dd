using System.Text.Json;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// Reads the call of a model that a span stands for, in OpenTelemetry's GenAI conventions or one of the dialects before and beside them:
/// the AI SDK, Langfuse, OpenInference, OpenLLMetry.
/// </summary>
internal sealed class SpanExchange(ForeignMessages messages, ImportNotes notes)
{
    private const string OperationDetails = "gen_ai.client.inference.operation.details";

    /// <summary>Whether the span is one call of a model. Spans around it, of agents, chains and tools, are not.</summary>
    public static bool Is(ReceivedSpan span)
    {
        var attributes = span.Attributes;
        if (attributes.Text("ai.operationId") is { } operation)
            return operation.EndsWith(".doGenerate", StringComparison.Ordinal) || operation.EndsWith(".doStream", StringComparison.Ordinal);
        if (attributes.Text("gen_ai.operation.name") is { } name)
            return name is "chat" or "generate_content" or "text_completion";
        if (attributes.Text("openinference.span.kind") is { } kind)
            return kind.Equals("LLM", StringComparison.OrdinalIgnoreCase);
        if (attributes.Text("langfuse.observation.type") is { } type)
            return type.Equals("generation", StringComparison.OrdinalIgnoreCase);
        return attributes.Text("llm.request.type") is "chat" or "completion" || attributes.Text("gen_ai.prompt.0.role") is not null;
    }

    public Exchange Read(ReceivedSpan span, SpanContext context)
    {
        var attributes = span.Attributes;
        var details = span.Events.FirstOrDefault(each => each.Name == OperationDetails).Attributes ?? SpanAttributes.None;
        var instructions = Instructions(attributes, details);
        var input = Input(attributes, details, span);
        var usage = attributes.Json("langfuse.observation.usage_details");
        var answers = Output(attributes, details, span);
        var isFirst = true;
        return new()
        {
            ConversationId = ForeignIds.Conversation(context.ConversationId ?? span.TraceId),
            Id = span.SpanId,
            Names = [span.TraceId],
            ExternalUserId = context.UserId,
            Tags = context.Tags,
            StartedAt = span.Start,
            EndedAt = span.End < span.Start ? span.Start : span.End,
            Input = [.. instructions, .. input],
            Output = [.. answers.Select(Answer)],
        };

        // Of several answers the first has what the call took.
        ImportedMessage Answer(ImportedMessage answer)
        {
            var metadata = new MetadataBuilder(notes)
                .Add("traceId", span.TraceId)
                .Add("spanId", span.SpanId)
                .Add("provider", attributes.Text("gen_ai.provider.name", "gen_ai.system", "llm.provider", "ai.model.provider"))
                .Add("errorType", attributes.Text("error.type"))
                .Add("reasoning", answer.Metadata.Text("reasoning"))
                .Build();
            var said = answer with { Metadata = metadata, Model = Model(attributes) };
            if (!isFirst)
                return said;
            isFirst = false;
            return said with
            {
                LatencyMs = span.End > span.Start ? (int)Math.Min((span.End - span.Start).TotalMilliseconds, int.MaxValue) : null,
                PromptTokens = attributes.Count(
                    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "ai.usage.inputTokens", "ai.usage.promptTokens",
                    "llm.token_count.prompt") ?? usage.Count("input") ?? usage.Count("prompt_tokens") ?? usage.Count("input_tokens"),
                CompletionTokens = attributes.Count(
                    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "ai.usage.outputTokens", "ai.usage.completionTokens",
                    "llm.token_count.completion")
                    ?? usage.Count("output") ?? usage.Count("completion_tokens") ?? usage.Count("output_tokens"),
                TokenCount = attributes.Count("llm.token_count.total", "llm.usage.total_tokens", "ai.usage.totalTokens")
                    ?? usage.Count("total"),
            };
        }
    }

    private static string? Model(SpanAttributes attributes) => attributes.Text(
        "gen_ai.response.model", "ai.response.model", "langfuse.observation.model.name", "llm.model_name", "gen_ai.request.model",
        "ai.model.id");

    private IReadOnlyList<ImportedMessage> Instructions(SpanAttributes attributes, SpanAttributes details)
    {
        var json = attributes.Json("gen_ai.system_instructions");
        json = json.IsGiven() ? json : details.Json("gen_ai.system_instructions");
        return json.ValueKind == JsonValueKind.Array ? messages.ReadParts(json, "system") : messages.Read(json, "system");
    }

    private IReadOnlyList<ImportedMessage> Input(SpanAttributes attributes, SpanAttributes details, ReceivedSpan span)
    {
        if (First(attributes.Json("gen_ai.input.messages"), details.Json("gen_ai.input.messages"), attributes.Json("ai.prompt.messages"))
            is var given && given.IsGiven())
            return messages.Read(given, "user");
        if (Numbered(attributes, "llm.input_messages.", "message.") is { Count: > 0 } numbered)
            return numbered;
        if (Numbered(attributes, "gen_ai.prompt.", "") is { Count: > 0 } prompts)
            return prompts;
        if (Events(span, isAnswer: false) is { Count: > 0 } events)
            return events;
        return messages.Read(attributes.Json("langfuse.observation.input", "ai.prompt", "gen_ai.prompt", "input.value"), "user");
    }

    private IReadOnlyList<ImportedMessage> Output(SpanAttributes attributes, SpanAttributes details, ReceivedSpan span)
    {
        if (First(attributes.Json("gen_ai.output.messages"), details.Json("gen_ai.output.messages")) is var given && given.IsGiven())
            return messages.Read(given, "assistant");
        var text = attributes.Text("ai.response.text", "ai.response.object");
        if (messages.Calls(text, attributes.Json("ai.response.toolCalls")) is { } answer)
            return [answer];
        if (Numbered(attributes, "llm.output_messages.", "message.") is { Count: > 0 } numbered)
            return numbered;
        if (Numbered(attributes, "gen_ai.completion.", "") is { Count: > 0 } completions)
            return completions;
        if (Events(span, isAnswer: true) is { Count: > 0 } events)
            return events;
        return messages.Read(attributes.Json("langfuse.observation.output", "gen_ai.completion", "output.value"), "assistant");
    }

    private static JsonElement First(params ReadOnlySpan<JsonElement> candidates)
    {
        foreach (var candidate in candidates)
        {
            if (candidate.IsGiven())
                return candidate;
        }
        return default;
    }

    /// <summary>Messages whose members are attributes of their own, such as <c>llm.input_messages.0.message.content</c>.</summary>
    private IReadOnlyList<ImportedMessage> Numbered(SpanAttributes attributes, string prefix, string member)
    {
        var tree = AttributeTree.Of(attributes, prefix);
        return [.. tree.Select(message => member.Length == 0 ? message : message.Get("message"))
            .SelectMany(message => messages.Read(message, prefix.Contains("output", StringComparison.Ordinal)
                || prefix.Contains("completion", StringComparison.Ordinal) ? "assistant" : "user"))];
    }

    // The events of the conventions before 1.37: one for each message.
    private IReadOnlyList<ImportedMessage> Events(ReceivedSpan span, bool isAnswer) =>
    [
        .. span.Events
            .Where(each => isAnswer ? each.Name == "gen_ai.choice" : each.Name.StartsWith("gen_ai.", StringComparison.Ordinal)
                && each.Name.EndsWith(".message", StringComparison.Ordinal))
            .SelectMany(each => messages.Read(
                each.Attributes.Json("message", "content", "gen_ai.event.content"),
                isAnswer ? "assistant" : each.Name.Split('.')[1])),
    ];
}

/// <summary>What a trace says about its conversation, on whichever of its spans.</summary>
internal sealed record SpanContext(string? ConversationId, string? UserId, IReadOnlyList<string> Tags)
{
    private static readonly string[] ConversationNames =
    [
        "langfuse.session.id", "session.id", "gen_ai.conversation.id", "ai.telemetry.metadata.sessionId",
        "traceloop.association.properties.session_id", "langfuse.trace.session_id",
    ];

    private static readonly string[] UserNames =
        ["langfuse.user.id", "user.id", "enduser.id", "ai.telemetry.metadata.userId", "traceloop.association.properties.user_id"];

    private static readonly string[] TagNames = ["langfuse.trace.tags", "tag.tags", "ai.telemetry.metadata.tags"];

    /// <summary>The first that is said by any of these spans.</summary>
    public static SpanContext OfTrace(IEnumerable<ReceivedSpan> trace)
    {
        var context = new SpanContext(null, null, []);
        foreach (var span in trace)
            context = context.Or(span);
        return context;
    }

    /// <summary>What the span says itself, and else what its trace says.</summary>
    public static SpanContext Of(ReceivedSpan span, SpanContext trace)
    {
        var own = new SpanContext(null, null, []).Or(span);
        return new(
            own.ConversationId ?? trace.ConversationId, own.UserId ?? trace.UserId, own.Tags.Count > 0 ? own.Tags : trace.Tags);
    }

    private SpanContext Or(ReceivedSpan span) => new(
        ConversationId ?? span.Attributes.Text(ConversationNames),
        UserId ?? span.Attributes.Text(UserNames),
        Tags.Count > 0 ? Tags : [.. span.Attributes.Texts(TagNames)]);
}
