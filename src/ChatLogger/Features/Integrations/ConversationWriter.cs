using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// Adds exchanges to one conversation, one message after the other. Each is written under the number that it will have in the conversation:
/// when another request has taken the number meanwhile, the conversation is read and compared again. So of several requests that repeat the
/// same history, on whatever instances, one adds a message.
/// </summary>
internal sealed class ConversationWriter(
    PluginCaller caller,
    Guid chatId,
    List<KnownMessage> known,
    BatchWriter writer,
    StoredTranscripts transcripts,
    BatchRules rules,
    Limits limits,
    IdGenerator ids,
    DateTimeOffset now)
{
    /// <summary>How often the conversation is read again before the sender is asked to send again.</summary>
    private const int Attempts = 50;

    private List<KnownMessage> _known = known;

    /// <summary>Adds what is missing of an exchange. Returns why a message of it was refused; null: it is all there.</summary>
    public async Task<ProblemException?> Write(Exchange exchange, CancellationToken ct)
    {
        var prepared = exchange.Input.Select(message => Prepare(message, exchange.StartedAt, false))
            .Concat(exchange.Output.Select(message => Prepare(message, exchange.EndedAt, true)))
            .ToList();
        List<SaidMessage> said = prepared.ConvertAll(message => message.Said);
        ProblemException? refusal = null, last = null;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            last = null;
            foreach (var at in History.Missing(_known, said, exchange.Id))
            {
                var message = prepared[at];
                if (message.Refusal is not null)
                {
                    refusal ??= message.Refusal;
                    continue;
                }
                last = await TryAppend(message, message.Said.IsAnswer ? exchange.Id : null, ct);
                if (last is not null)
                    break;
            }
            if (last is null || last.Type == ProblemType.Unavailable)
                return last ?? refusal;
            var before = _known.Count;
            _known = (await transcripts.Read(caller.OrgId, [chatId], ct))[chatId];
            // The chat itself is gone, or nothing is there that would explain it.
            if (last.Type == ProblemType.NotFound && _known.Count == 0 && before == 0)
                return last;
        }
        return ProblemException.Unavailable("The conversation is being written by others. Try again shortly.", TimeSpan.FromSeconds(1));
    }

    private async Task<ProblemException?> TryAppend(PreparedMessage message, string? exchangeId, CancellationToken ct)
    {
        var position = _known.Count;
        foreach (var there in _known)
            position = Math.Max(position, (there.Position ?? -1) + 1);
        var id = ids.Next().Id;
        // The hash is of what is stored, so it tells no more than that.
        var key = new Idempotency(StoredTranscripts.Key(position), new BodyHash(message.Sha256));
        var write = new NewMessage(caller.OrgId, message.Message! with { Id = id }, key);
        BatchItemResult result;
        try
        {
            writer.Capacity.Reserve(write);
            result = (await writer.Append([write], ct))[0];
        }
        catch (ProblemException full)
        {
            return full;
        }
        if (result.Error is { } error)
            return error;
        // Somebody else has said the same at the same time: what else they have said must be read.
        if (result.Replayed)
            return ProblemException.IdempotencyKeyReused();
        _known.Add(new(id, message.Said.Role, message.Said.Fingerprint, exchangeId, position));
        return null;
    }

    private PreparedMessage Prepare(ImportedMessage message, DateTimeOffset at, bool isAnswer)
    {
        var content = StorableText.OfOptional(message.Content);
        var isTool = message.Role is "tool" or "function";
        // An answer of a tool may be empty, and the conversation has it all the same.
        if (content is null && isTool)
            content = "(empty)";
        var (parts, calls) = (Array(message.Parts), Array(message.ToolCalls));
        var toolCallId = isTool ? StorableText.OfOptional(message.ToolCallId).Beginning(limits.ToolNameLength) : null;
        if ((Unsafe(parts) ?? Unsafe(calls)) is { } unsafeJson)
            return Prepared(message.Role, content, parts, calls, toolCallId, isAnswer) with { Refusal = unsafeJson };
        var command = new AppendMessage.Request(
            message.Role,
            content,
            parts,
            calls,
            toolCallId,
            StorableText.OfOptional(message.Name).Beginning(limits.ToolNameLength),
            Metadata(message.Metadata),
            AtMost(message.LatencyMs, limits.LatencyMs),
            AtMost(message.TokenCount, limits.Tokens),
            AtMost(message.PromptTokens, limits.Tokens),
            AtMost(message.CompletionTokens, limits.Tokens),
            StorableText.OfOptional(message.Model).Beginning(limits.ModelLength),
            at < now ? at : now).To(caller, chatId, null);
        var found = rules.Messages.Validate(command);
        // The conversation has messages as they are stored, so it is compared with this one as it would be stored.
        var stored = command.ToMessage(Guid.Empty, command.CreatedAt.Or(now));
        var prepared = Prepared(stored.Role, stored.Content, stored.Parts, stored.ToolCalls, stored.ToolCallId, isAnswer);
        // What was said before the organization turned redaction on is stored as it was sent.
        var asSent = caller.Policy.Redactor is null
            ? null
            : Prepared(message.Role, content, parts, calls, toolCallId, isAnswer).Said.Fingerprint;
        return prepared with
        {
            Said = prepared.Said with { FingerprintAsSent = asSent },
            Message = stored,
            Refusal = found.IsValid ? null : ProblemException.Validation(found.Errors),
        };
    }

    private static PreparedMessage Prepared(
        string role, string? content, RawJsonArray? parts, RawJsonArray? calls, string? toolCallId, bool isAnswer)
    {
        var sha256 = StoredTranscripts.Fingerprint(role, content, parts, calls, toolCallId);
        return new(new(role, Convert.ToHexStringLower(sha256), isAnswer), sha256);
    }

    private static ProblemException? Unsafe(RawJsonArray? json) => json is not null && TextSafety.Check(json.Utf8.Span) is var (sentence, _)
        ? ProblemException.Validation("parts", sentence)
        : null;

    private static RawJsonArray? Array(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array && json.GetArrayLength() > 0 ? json.Deserialize<RawJsonArray>(Json.Options) : null;

    private static RawJsonObject? Metadata(JsonElement json)
    {
        var metadata = json.ValueKind == JsonValueKind.Object ? json.Deserialize<RawJsonObject>(Json.Options) : null;
        return metadata is not null && TextSafety.Check(metadata.Utf8.Span) is null ? metadata : null;
    }

    private static int? AtMost(int? value, int most) => value <= most ? value : null;

    private sealed record PreparedMessage(SaidMessage Said, byte[] Sha256)
    {
        public Message? Message { get; init; }

        public ProblemException? Refusal { get; init; }
    }
}
