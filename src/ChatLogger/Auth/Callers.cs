namespace ChatLogger.Auth;

/// <summary>A plugin that came with a valid key, in the organization of that key.</summary>
internal sealed record PluginCaller(Guid OrgId, string OrgSlug, string KeyPublicId, IReadOnlyList<string> Scopes)
{
    public static ValueTask<PluginCaller> BindAsync(HttpContext context) => CallerFeature.Of<PluginCaller>(context);
}

/// <summary>A member with a live session, as a person: on the routes that are about themselves.</summary>
internal sealed record Session(Guid Id, Guid UserId, Guid? OrgId, string? OrgSlug, string Role)
{
    public static ValueTask<Session> BindAsync(HttpContext context) => CallerFeature.Of<Session>(context);
}

/// <summary>A member with a live session, acting in an organization: their own, or any for a superadmin.</summary>
internal sealed record Member(Guid OrgId, string OrgSlug, Guid UserId, string Role)
{
    /// <summary>The organization as this caller's path names it: <c>me</c>, which is none for a superadmin, or the slug.</summary>
    public string OrgInPath { get; init; } = "me";

    /// <summary>The member whose chats are the only ones to be seen; null: all of the organization.</summary>
    public Guid? OnlyChatsOf => Role == MemberRole.User ? UserId : null;

    public static ValueTask<Member> BindAsync(HttpContext context) => CallerFeature.Of<Member>(context);
}

internal static class CallerFeature
{
    // The gate has put it there. An endpoint that asks for a caller its policy does not let in is a mistake of ours, met by the first call.
    public static ValueTask<T> Of<T>(HttpContext context)
        where T : class => ValueTask.FromResult(
        context.Features.Get<T>() ?? throw new InvalidOperationException($"The policy of this endpoint admits no {typeof(T).Name}."));
}
