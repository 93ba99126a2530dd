using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.ExportJobs;
using ChatLogger.Http;
using ChatLogger.SearchIndex;
using ChatLogger.Telemetry;
using FluentValidation;
using MediatR;

namespace ChatLogger.Features;

/// <summary>
/// POST /exports/orgs/me: an admin requests an export of the conversations. A small one is returned in the response (synchronous); a large
/// one is queued and downloaded later (asynchronous).
/// </summary>
internal static class RequestExport
{
    public static void Map(IEndpointRouteBuilder admins) =>
        admins.MapPost("", async Task<IResult> (
            Body<Request> body,
            IdempotencyKey? key,
            Member caller,
            Actor actor,
            HttpContext context,
            ISender sender,
            Instruments instruments,
            CancellationToken ct) =>
            {
                var answer = await sender.Send(body.Value.By(caller, actor, key?.With(body.Hash)), ct);
                if (answer.File is { } file)
                    return new BufferedFileResponse(file, ExportFileName.Of(caller.OrgSlug, file));
                var (export, replayed) = answer.Accepted!;
                if (replayed)
                {
                    context.Response.Headers[IdempotencyKey.ReplayedHeader] = "true";
                    instruments.Replayed("export");
                }
                return TypedResults.Accepted($"/exports/orgs/{caller.OrgInPath}/{export.Id}", export);
            })
            .WithMetadata(
                new FileResponseMetadata(again: false),
                new ResponseMetadata(200, "ETag", "Content-Disposition"),
                new ResponseMetadata(202, "Location"),
                new ProblemsMetadata(ProblemType.ExportQueueFull, ProblemType.ExportTooLarge, ProblemType.ExportFailed))
            .Produces<Export>(202)
            .WithSummary("Export conversations.")
            .WithDescription(
                """
                format: json (one array of chats), jsonl (a chat per line), csv, openai-jsonl ({"messages":[{role,content}]} per
                chat). layout, for csv: messages (default) or chats. mode: auto (default) answers with the file when it has at
                most 10,000 messages and 32 MiB, and otherwise accepts the export for later; sync refuses what is more; async
                always accepts. from and to are instants or dates, which stand for local midnights of timeZone (default: the
                organization's), and filter chats by their creation; tag is a string or an array, all must match; q is searched
                for as in the list of chats. Cells of csv that a spreadsheet would take for a formula begin with an apostrophe;
                chatTags, metadata, toolCalls and parts are JSON. For csv, bom puts U+FEFF first, by which Excel knows UTF-8,
                and localTimes writes times as the clocks of timeZone showed them, with their offset. openai-jsonl leaves out
                what trainers refuse: chats without a message of the assistant, answers of tools without their call, calls that
                are not answered; skipped counts them. With an Idempotency-Key an export that was accepted is answered again as
                it is by then, also when it has ended, and counts once; a file that was answered at once is not remembered, and
                is made anew.
                """);

    public sealed record Request(
        string Format,
        string? Layout = null,
        string? Mode = null,
        string? TimeZone = null,
        bool? LocalTimes = null,
        bool? Bom = null,
        string? From = null,
        string? To = null,
        OneOrMany? Tag = null,
        Guid? UserId = null,
        string? ExternalUserId = null,
        string? Model = null,
        string? Rating = null,
        string? Q = null)
    {
        public Command By(Member caller, Actor actor, Idempotency? idempotencyKey) => new(
            caller.OrgId, caller.UserId, Format, Layout, Mode ?? "auto", TimeZone, LocalTimes ?? false, Bom ?? false, From, To,
            Tag?.Values ?? [], UserId, ExternalUserId.NullIfEmpty(), string.IsNullOrWhiteSpace(Q) ? null : Q, actor, idempotencyKey)
        {
            Model = Model.NullIfEmpty(),
            Rating = Rating,
        };
    }

    public sealed record Command(
        Guid OrgId, Guid RequestedBy, string Format, string? Layout, string Mode, string? TimeZone, bool LocalTimes, bool Bom, string? From,
        string? To, string[] Tags, Guid? UserId, string? ExternalUserId, string? Q, Actor Actor, Idempotency? IdempotencyKey)
        : IRequest<Response>
    {
        public string? Model { get; init; }

        public string? Rating { get; init; }
    }

    /// <summary>Exactly one of the two is set: the file of a synchronous export, or the queued export.</summary>
    public sealed record Response(SyncExportFile? File, EnqueuedExport? Accepted);

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits, IEnumerable<IExportFormat> formats)
        {
            var names = formats.Select(format => format.Name).Distinct().ToArray();
            RuleFor(export => export.Format).Must(names.Contains).WithMessage($"Must be one of: {string.Join(", ", names)}.");
            RuleFor(export => export.Layout)
                .Must((export, layout) => layout is null || formats.Any(format => format.Name == export.Format && format.Layout == layout))
                .WithMessage("May be messages or chats, with the format csv.")
                .When(export => names.Contains(export.Format));
            RuleFor(export => export.Mode)
                .Must(mode => mode is "auto" or "sync" or "async")
                .WithMessage("Must be one of: auto, sync, async.");
            RuleFor(export => export.LocalTimes)
                .Must((export, local) => !local || export.Format == "csv")
                .WithMessage("May be true with the format csv.");
            RuleFor(export => export.Bom)
                .Must((export, bom) => !bom || export.Format == "csv")
                .WithMessage("May be true with the format csv.");
            RuleFor(export => export.Tags).Must(tags => tags.Length <= limits.Tags).WithMessage($"May be at most {limits.Tags}.");
            RuleFor(export => export.ExternalUserId).AtMostCharacters(limits.ExternalUserIdLength);
            RuleFor(export => export.Model).AtMostCharacters(limits.ModelLength);
            RuleFor(export => export.Rating).Must(ChatRules.IsRatingFilter).WithMessage(ChatRules.RatingFilterSentence);
            RuleFor(export => export.Q).AtMostCharacters(SearchQuery.MaxCharacters);
        }
    }

    public sealed class Handler(ExportQueue queue, SyncExport small, ExportFilters filters, AuditLog audit)
        : IRequestHandler<Command, Response>
    {
        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var (request, timeZone) = await filters.Parse(command, ct);
            if (command.IdempotencyKey is not { } idempotencyKey)
                return await Make(command, request, timeZone, ct);
            // A replay of a request that was queued returns the queued export, even if the export would be small enough for a synchronous
            // one now.
            using var keyLock = await queue.Acquire(command.OrgId, idempotencyKey, ct);
            return await queue.Find(command.OrgId, idempotencyKey, ct) is { } known
                ? new(null, known)
                : await Make(command, request, timeZone, ct);
        }

        private async Task<Response> Make(Command command, ExportRequest request, string timeZone, CancellationToken ct)
        {
            if (command.Mode != "async")
            {
                if (await small.TryWrite(request, ct) is { } file)
                {
                    await audit.Write(AuditEvent.OfExport(command.OrgId, command.Actor, AuditAction.ExportMade, null), ct);
                    return new(file, null);
                }
                if (command.Mode == "sync")
                    throw ProblemException.ExportTooLarge(small.MaxMessages, small.MaxBytes);
            }
            var accepted = await queue.Enqueue(request, command.RequestedBy, timeZone, command.Actor, command.IdempotencyKey, ct);
            return new(null, accepted);
        }
    }
}
