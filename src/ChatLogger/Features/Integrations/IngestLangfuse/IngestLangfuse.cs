using System.Reflection;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using MediatR;
using Microsoft.AspNetCore.Http.Metadata;

namespace ChatLogger.Features;

/// <summary>
/// POST /api/public/ingestion: an SDK of Langfuse's legacy ingestion (langfuse-js ≤ 3, langfuse-python ≤ 2 and what is built on them)
/// sends events. Generations become messages, scores of users become ratings.
/// </summary>
internal static class IngestLangfuse
{
    public static void Map(IEndpointRouteBuilder integrations) =>
        integrations
            .MapPost("/api/public/ingestion", async (LangfuseBody body, PluginCaller caller, ISender sender, CancellationToken ct) =>
                TypedResults.Json(await sender.Send(new Command(caller, body.Events), ct), Json.Options, statusCode: 207))
            .Produces<Response>(StatusCodes.Status207MultiStatus, "application/json")
            .WithMetadata(new BodyLimit(limits => limits.LangfuseBytes), new GzipAllowed(), RequiresQueueCapacity.ForBatches)
            .WithMetadata(new ForeignErrors())
            .WithSummary("Receive events of Langfuse's legacy ingestion.")
            .WithDescription(
                """
                Generations become the messages of the conversation that their trace names as `sessionId`, else of the trace; the pieces
                of a generation may come in several requests and in any order, and again. A score that is a yes or no, or whose name
                says that it is feedback, becomes a rating. Other events are accepted and dropped. Each event has a result of its own.
                """);

    /// <summary>The envelope, for the OpenAPI description only; <see cref="LangfuseBody"/> reads it.</summary>
    public sealed record Request(RawJsonObject[]? Batch = null, RawJsonObject? Metadata = null);

    public sealed record Command(PluginCaller Caller, IReadOnlyList<LangfuseEvent> Events) : IRequest<Response>;

    public sealed record Response(IReadOnlyList<Success> Successes, IReadOnlyList<Error> Errors);

    /// <summary>An event that was taken.</summary>
    public sealed record Success(string Id, int Status);

    /// <summary>An event that was refused, and why.</summary>
    public sealed record Error(string Id, int Status, string Message);

    public sealed class Handler(LangfuseGenerations generations, RatingWriter ratings) : IRequestHandler<Command, Response>
    {
        public async Task<Response> Handle(Command command, CancellationToken ct)
        {
            var refusals = new ProblemException?[command.Events.Count];
            for (var i = 0; i < refusals.Length; i++)
                refusals[i] = command.Events[i].Refusal;
            var taken = Enumerable.Range(0, refusals.Length).Where(at => refusals[at] is null).ToList();
            var written = await generations.Write(command.Caller, taken.ConvertAll(at => command.Events[at]), ct);
            foreach (var at in taken)
            {
                if (command.Events[at].Generation is { } id)
                    refusals[at] = written.Refusals.GetValueOrDefault(id);
            }
            var scores = taken.Where(at => command.Events[at].Rating(written.ConversationOf) is not null).ToList();
            var given = await ratings.Write(
                command.Caller, scores.ConvertAll(at => command.Events[at].Rating(written.ConversationOf)!), ct);
            for (var i = 0; i < scores.Count; i++)
                refusals[scores[i]] = given[i];
            return Answer(command.Events, refusals);
        }

        private static Response Answer(IReadOnlyList<LangfuseEvent> events, ProblemException?[] refusals)
        {
            var (successes, errors) = (new List<Success>(), new List<Error>());
            foreach (var (each, refusal) in events.Zip(refusals))
            {
                if (refusal is null)
                    successes.Add(new(each.Id, StatusCodes.Status201Created));
                else
                    errors.Add(new(each.Id, refusal.Type.Status, ForeignErrors.Sentence(refusal)));
            }
            return new(successes, errors);
        }
    }
}

/// <summary>The events of a batch.</summary>
internal sealed class LangfuseBody : IEndpointParameterMetadataProvider
{
    private LangfuseBody(List<LangfuseEvent> events) => Events = events;

    public IReadOnlyList<LangfuseEvent> Events { get; }

    public static async ValueTask<LangfuseBody> BindAsync(HttpContext context) =>
        new(await IntegrationBody.Read(context, body => IntegrationBody.Elements(body, "batch").ConvertAll(LangfuseEvent.Of)));

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new BodyShape(typeof(IngestLangfuse.Request)));
}
