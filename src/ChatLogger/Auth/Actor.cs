using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>
/// Who does something, in the words of the log and of the audit log: a member or superadmin by user id, a key by its public id, an operator by
/// the way they came. With the trace of the request, if there is one.
/// </summary>
internal sealed record Actor(string Type, string? Id, string TraceId)
{
    /// <summary>Whoever runs the service, and can do so without asking it: by command line, settings or the first start.</summary>
    public static Actor Operator(string way) => new("operator", way, "");

    /// <summary>Somebody whom nothing identifies, as at a login.</summary>
    public static Actor Anonymous(string traceId) => new("anonymous", null, traceId);

    public static Actor Of(Session session, string traceId) => OfUser(session.UserId, session.Role, traceId);

    public static Actor Of(PluginCaller plugin, string traceId) => new("key", plugin.KeyPublicId, traceId);

    public static Actor OfUser(Guid userId, string role, string traceId) =>
        new(role == MemberRole.Superadmin ? MemberRole.Superadmin : "member", userId.ToString(), traceId);

    public static ValueTask<Actor> BindAsync(HttpContext context)
    {
        var traceId = ProblemWriter.TraceId(context);
        return ValueTask.FromResult(
            context.Features.Get<Session>() is { } session ? Of(session, traceId)
            : context.Features.Get<PluginCaller>() is { } plugin ? Of(plugin, traceId)
            : Anonymous(traceId));
    }
}
