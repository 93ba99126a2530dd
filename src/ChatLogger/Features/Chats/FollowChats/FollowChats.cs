using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.LiveEvents;
using MediatR;

namespace ChatLogger.Features;

/// <summary>GET /orgs/me/live: a member is told what happens in the chats they may see, while it happens.</summary>
internal static class FollowChats
{
    private const string LastEventId = "Last-Event-ID";

    public static void Map(IEndpointRouteBuilder organization) =>
        organization
            .MapGet(
                "/live",
                async (
                    Query<Request> query, Session session, Member caller, Actor actor, HttpContext context, ISender sender,
                    CancellationToken ct) =>
                {
                    if (HttpMethods.IsHead(context.Request.Method))
                        return new EventStreamResponse(null);
                    // A browser that reconnects sends the header, with the query that it began with.
                    var last = context.Request.Headers[LastEventId] is { Count: > 0 } header ? header.ToString() : query.Value.After;
                    var listener = new LiveListener(session.Id, session.UserId, session.Role, caller.OrgId, caller.OnlyChatsOf);
                    var stream = await sender.Send(new Command(listener, last.NullIfEmpty(), actor), ct);
                    context.Response.RegisterForDispose(stream);
                    return new EventStreamResponse(stream);
                })
            .DisableHttpMetrics()
            .WithMetadata(new EventStreamMetadata(LastEventId), new WithoutMemberRate())
            .WithSummary("Follow what happens in the chats.")
            .WithDescription(
                """
                Server-sent events: chat.created, message.created, chat.changed (also when a message was deleted), chat.deleted and
                feedback.given, with the data chatId, and messageId where it is about a message; each once, in the order of their commit. A
                member with the role user is told of the chats attributed to them. With the id of an event, as the header Last-Event-ID or
                as the parameter after, the stream resumes right after it. An event reset means that events were left out, because the id is
                unknown, older than 45 minutes, or more than 1,000 events behind, or because the caller reads too slowly: read everything
                anew; the stream goes on from there. A comment comes when nothing else does. The stream ends with the service, within 5 s
                after the session or the rights of the member, and when the database is unreachable for more than 10 s; then connect again.
                Streams count towards no rate limit; a member may have a limited number on each instance, and an instance serves a limited
                number; beyond that 429.
                """);

    public sealed record Request(string? After = null);

    public sealed record Command(LiveListener Listener, string? LastEventId, Actor Actor) : IRequest<LiveStream>;

    public sealed class Handler(LiveHub hub, AuditLog audit) : IRequestHandler<Command, LiveStream>
    {
        public async Task<LiveStream> Handle(Command command, CancellationToken ct)
        {
            try
            {
                return await hub.Open(command.Listener, command.LastEventId, ct);
            }
            catch (ProblemException refusal) when (refusal.Type == ProblemType.Throttled)
            {
                await audit.WriteRefusal(
                    AuditEvent.OfRoute(command.Listener.OrgId, command.Actor, AuditAction.Throttled, "GET /orgs/{org}/live"), ct);
                throw;
            }
        }
    }
}
