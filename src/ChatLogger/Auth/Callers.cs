namespace ChatLogger.Auth;

/// <summary>A plugin with a valid API key, in the organization of that key.</summary>
internal sealed record PluginCaller(Guid OrgId, string OrgSlug, string KeyPublicId, IReadOnlyList<string> Scopes)
{
    /// <summary>Whether the key is bound to origins, so that it is in a page and anybody has it.</summary>
    public bool IsPublic { get; init; }

    /// <summary>What the organization has chosen.</summary>
    public OrganizationPolicy Policy { get; init; } = OrganizationPolicy.None;

    public bool May(string scope) => Scopes.Contains(scope);

    public static ValueTask<PluginCaller> BindAsync(HttpContext context) => CallerFeature.Of<PluginCaller>(context);
}

/// <summary>A member with a live session, independent of an organization: for the routes about the member themselves.</summary>
internal sealed record Session(Guid Id, Guid UserId, Guid? OrgId, string? OrgSlug, string Role)
{
    public static ValueTask<Session> BindAsync(HttpContext context) => CallerFeature.Of<Session>(context);
}

/// <summary>A member with a live session who acts in an organization: their own, or any organization for a superadmin.</summary>
internal sealed record Member(Guid OrgId, string OrgSlug, Guid UserId, string Role)
{
    /// <summary>The organization as this caller's paths name it: the slug, or <c>me</c>, which a superadmin cannot use.</summary>
    public string OrgInPath { get; init; } = "me";

    /// <summary>The member whose chats alone are visible; null: all chats of the organization.</summary>
    public Guid? OnlyChatsOf => Role == MemberRole.User ? UserId : null;

    public static ValueTask<Member> BindAsync(HttpContext context) => CallerFeature.Of<Member>(context);
}

internal static class CallerFeature
{
    // AuthorizationMiddleware sets the feature. An endpoint that asks for a caller type its policy does not admit is a bug, which its first
    // call reveals.
    public static ValueTask<T> Of<T>(HttpContext context)
        where T : class => ValueTask.FromResult(
        context.Features.Get<T>() ?? throw new InvalidOperationException($"The policy of this endpoint admits no {typeof(T).Name}."));
}
