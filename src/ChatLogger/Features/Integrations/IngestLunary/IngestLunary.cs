using System.Reflection;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Features;

/// <summary>
/// POST /v1/runs/ingest: an SDK of Lunary sends events. Messages of threads, and calls of models outside of threads, become messages;
/// feedback becomes ratings.
/// </summary>
internal static class IngestLunary
{
    public static void Map(IEndpointRouteBuilder integrations) =>
        integrations
            .MapPost("/v1/runs/ingest", async (LunaryBody body, PluginCaller caller, ISender sender, CancellationToken ct) =>
                TypedResults.Ok(await sender.Send(new Command(caller, body.Events), ct)))
            .WithMetadata(new BodyLimit(limits => limits.BatchBytes), new GzipAllowed(), RequiresQueueCapacity.ForBatches)
            .WithMetadata(new ForeignErrors())
            .WithSummary("Receive events of Lunary's SDKs.")
            .WithDescription(
                """
                A message of a thread becomes a message of the conversation that the thread's id names; a call of a model that belongs to no
                message of a thread becomes the messages of a conversation of its own. Feedback with a thumb becomes a rating. Other
                events are accepted and dropped. Each event has a result of its own, and may come again.
                """);

    /// <summary>The envelope, for the OpenAPI description only; <see cref="LunaryBody"/> reads it.</summary>
    public sealed record Request(RawJsonObject[]? Events = null);

    public sealed record Command(PluginCaller Caller, IReadOnlyList<LunaryEvent> Events) : IRequest<Response>;

    public sealed record Response(IReadOnlyList<Result> Results);

    /// <summary>What became of an event.</summary>
    public sealed record Result(string Id, bool Success, string? Error);

    public sealed class Handler(LunaryRuns runs, RatingWriter ratings) : IRequestHandler<Command, Response>
    {
        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var events = command.Events;
            var refusals = await runs.Write(command.Caller, events, ct);
            var given = Enumerable.Range(0, events.Count).Where(at => events[at].IsUp is not null && refusals[at] is null).ToList();
            var conversations = await runs.ConversationsOf(command.Caller.OrgId, given.ConvertAll(at => events[at].RunId), ct);
            var results = await ratings.Write(
                command.Caller,
                given.ConvertAll(at => events[at].Rating(conversations.GetValueOrDefault(events[at].RunId) ?? events[at].RunId)),
                ct);
            for (var i = 0; i < given.Count; i++)
                refusals[given[i]] = results[i];
            return new([.. events.Zip(refusals, (each, refusal) =>
                new Result(each.RunId, refusal is null, refusal is null ? null : ForeignErrors.Sentence(refusal)))]);
        }
    }
}

/// <summary>The events of a request.</summary>
internal sealed class LunaryBody : IEndpointParameterMetadataProvider
{
    private LunaryBody(List<LunaryEvent> events) => Events = events;

    public IReadOnlyList<LunaryEvent> Events { get; }

    public static async ValueTask<LunaryBody> BindAsync(HttpContext context) =>
        new(await IntegrationBody.Read(context, body => IntegrationBody.Elements(body, "events").ConvertAll(LunaryEvent.Of)));

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new BodyShape(typeof(IngestLunary.Request)));
}
