using ChatLogger.Http;

namespace ChatLogger.Auth;

/// <summary>
/// Who performed an action, as the log and the audit log name them: a member or superadmin by user id, an API key by its public id, an
/// operator by the way they acted. It carries the trace id of the request, if there is one.
/// </summary>
internal sealed record Actor(string Type, string? Id, string TraceId)
{
    private const string MemberType = "member";

    /// <summary>The operator, who acts without a request: by command line, by settings or at the first start.</summary>
    public static Actor Operator(string way) => new("operator", way, "");

    /// <summary>The service itself, where it changes something by its own rules.</summary>
    public static Actor Service(string part) => new("service", part, "");

    /// <summary>A caller that nothing identifies, as at a login.</summary>
    public static Actor Anonymous(string traceId) => new("anonymous", null, traceId);

    public static Actor Of(Session session, string traceId) => OfUser(session.UserId, session.Role, traceId);

    public static Actor Of(PluginCaller plugin, string traceId) => new("key", plugin.KeyPublicId, traceId);

    public static Actor OfUser(Guid userId, string role, string traceId) =>
        new(role == MemberRole.Superadmin ? MemberRole.Superadmin : MemberType, userId.ToString(), traceId);

    /// <summary>Whether this is somebody with a session: a member of an organization or a superadmin.</summary>
    public bool IsMember => Type is MemberType or MemberRole.Superadmin;

    public static ValueTask<Actor> BindAsync(HttpContext context)
    {
        var traceId = ProblemWriter.TraceId(context);
        return ValueTask.FromResult(
            context.Features.Get<Session>() is { } session ? Of(session, traceId)
            : context.Features.Get<PluginCaller>() is { } plugin ? Of(plugin, traceId)
            : Anonymous(traceId));
    }
}
