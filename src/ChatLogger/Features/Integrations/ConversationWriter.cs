using System.Runtime.InteropServices;
using System.Text.Json;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.Transcripts;

namespace ChatLogger.Features;

/// <summary>
/// Adds exchanges to one conversation, one after the other. Each message is written under the number that it will have in it:
/// when another request has taken the number of the first meanwhile, none is written, and the conversation is read and compared again. So
/// of several requests that repeat the same history, on whatever instances, one adds a message.
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

    /// <summary>Few exchanges are longer, and a long one must not need the whole capacity of the queue.</summary>
    private const int MostAtOnce = 20;

    private List<KnownMessage> _known = known;

    /// <summary>What the conversation has, as far as it was read or written here.</summary>
    public IReadOnlyList<KnownMessage> Known => _known;

    /// <summary>Adds what is missing of an exchange. Returns why a message of it was refused; null: it is all there.</summary>
    public async Task<ProblemException?> Write(Exchange exchange, CancellationToken ct)
    {
        var prepared = Prepare(exchange);
        List<SaidMessage> said = [.. prepared.Select(message => message!.Said)];
        ProblemException? refusal = null, last;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var places = History.Missing(_known, said, exchange.Id);
            if (attempt == 0)
                KeepOnly(prepared, places);
            // Somebody has deleted what was there before.
            if (places.Any(at => prepared[at] is null))
                return BeingWritten();
            // A turn that was cut by another one must not begin again.
            var missing = places.Select(at => prepared[at]!).Where(message => !message.IsWritten).ToList();
            refusal ??= missing.Select(message => message.Stored.Value.Refusal).FirstOrDefault(why => why is not null);
            last = null;
            foreach (var run in missing.Where(message => message.Stored.Value.Refusal is null).Chunk(MostAtOnce))
            {
                if ((last = await TryAppend(run, exchange.Id, ct)) is not null)
                    break;
            }
            if (last is null || last.Type == ProblemType.Unavailable || last.Type == ProblemType.Validation)
                return last ?? refusal;
            var before = _known.Count;
            _known = (await transcripts.Read(caller.OrgId, [chatId], ct))[chatId];
            // The chat itself is gone, or nothing is there that would explain it.
            if (last.Type == ProblemType.NotFound && _known.Count == 0 && before == 0)
                return last;
        }
        return BeingWritten();
    }

    // Few messages of an exchange are new, and the others need not be kept until those are written.
    private static void KeepOnly(PreparedMessage?[] prepared, IReadOnlyList<int> places)
    {
        for (var at = 0; at < prepared.Length; at++)
        {
            if (!places.Contains(at))
                prepared[at] = null;
        }
    }

    private static ProblemException BeingWritten() =>
        ProblemException.Unavailable("The conversation is being written by others. Try again shortly.", TimeSpan.FromSeconds(1));

    // All at once: where somebody else has begun at the same number, none of them is written.
    private async Task<ProblemException?> TryAppend(PreparedMessage[] messages, string exchangeId, CancellationToken ct)
    {
        var begins = _known.Count;
        foreach (var there in _known)
            begins = Math.Max(begins, (there.Position ?? -1) + 1);
        var writes = new List<NewMessage>(messages.Length);
        foreach (var message in messages)
        {
            // The hash is of what is stored, so it tells no more than that.
            var key = new Idempotency(StoredTranscripts.Key(begins + writes.Count), new BodyHash(message.Said.Fingerprint.ToSha256()));
            writes.Add(new(caller.OrgId, message.Stored.Value.Message! with { Id = ids.Next().Id }, key)
            {
                Run = writes.Count == 0 ? null : (writes[0].IdempotencyKey!.Key, writes[0].Id),
            });
        }
        BatchItemResult[] results;
        try
        {
            writer.Capacity.Reserve([.. writes]);
            results = await writer.AppendRun(writes, ct);
        }
        catch (ProblemException full)
        {
            return full;
        }
        for (var at = 0; at < results.Length; at++)
        {
            if (results[at].Error is { } error)
                return error;
            // Somebody else has said the same at the same time: what else they have said must be read.
            if (results[at].Replayed)
                return ProblemException.IdempotencyKeyReused();
            messages[at].IsWritten = true;
            var said = messages[at].Said;
            _known.Add(new(writes[at].Id, said.Role, said.Fingerprint, said.IsAnswer ? exchangeId : null, begins + at, said.QuestionOf));
        }
        return null;
    }

    private PreparedMessage?[] Prepare(Exchange exchange)
    {
        var (input, output) = exchange.Take();
        return
        [
            .. input.Select(message => Prepare(message, exchange.StartedAt, false)),
            .. output.Select(message => Prepare(message, exchange.EndedAt, true)),
        ];
    }

    private PreparedMessage Prepare(ImportedMessage message, DateTimeOffset at, bool isAnswer)
    {
        var content = StorableText.OfOptional(message.Content);
        var isTool = message.Role is "tool" or "function";
        // An answer of a tool may be empty, and the conversation has it all the same.
        if (content is null && isTool)
            content = "(empty)";
        // Names of members that have half of a surrogate pair cannot even be read.
        var unsafeJson = Unsafe(message.Parts) ?? Unsafe(message.ToolCalls);
        var (parts, calls) = unsafeJson is null ? (Array(message.Parts), Array(message.ToolCalls)) : (null, null);
        var toolCallId = isTool ? StorableText.OfOptional(message.ToolCallId).Beginning(limits.ToolNameLength) : null;
        if (unsafeJson is not null)
            return Prepared(new(() => (null, unsafeJson)));
        // Most of what is sent is there already, and never comes to be written.
        var stored = new Lazy<(Message?, ProblemException?)>(ToStored, LazyThreadSafetyMode.None);
        if (caller.Policy.Redactor is null)
            return Prepared(stored);
        // The conversation has messages as they are stored, so it is compared with this one as it would be stored. What was said before the
        // organization turned redaction on is stored as it was sent.
        var asSent = Prepared(stored).Said.Fingerprint;
        (content, parts, calls) = (stored.Value.Item1!.Content, stored.Value.Item1.Parts, stored.Value.Item1.ToolCalls);
        var prepared = Prepared(stored);
        return prepared with { Said = prepared.Said with { FingerprintAsSent = asSent } };

        PreparedMessage Prepared(Lazy<(Message?, ProblemException?)> stored)
        {
            return new(
                new(message.Role, Fingerprint.Of(message.Role, content, parts, calls, toolCallId), isAnswer)
                {
                    QuestionOf = message.Metadata.Text(OpenQuestion.Member),
                },
                stored);
        }

        (Message?, ProblemException?) ToStored()
        {
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
            var refusal = found.IsValid ? null : ProblemException.Validation(found.Errors);
            return (command.ToMessage(Guid.Empty, command.CreatedAt.Or(now)), refusal);
        }
    }

    private static ProblemException? Unsafe(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array && TextSafety.Check(JsonMarshal.GetRawUtf8Value(json)) is var (sentence, _)
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

    /// <summary>A message of the exchange, and what is stored of it, or why it is refused.</summary>
    private sealed record PreparedMessage(SaidMessage Said, Lazy<(Message? Message, ProblemException? Refusal)> Stored)
    {
        /// <summary>Whether it was written here.</summary>
        public bool IsWritten { get; set; }
    }
}
