using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Telemetry.Logs;
using MediatR;
using Npgsql;

namespace ChatLogger.Cli;

/// <summary>The commands that list entities: one line each with tab-separated columns, for people and for <c>cut</c>.</summary>
internal static class ListCommands
{
    private const int PageSize = 200;

    public static Task Organizations(IServiceProvider services, TextWriter output, CancellationToken ct) => Print(
        output,
        cursor => services.GetRequiredService<ISender>().Send(new ListOrganizations.Query(PageSize, cursor), ct),
        organization => [organization.Slug, organization.Name, organization.Settings.TimeZone, Time(organization.CreatedAt)]);

    public static Task Members(IServiceProvider services, Guid orgId, TextWriter output, CancellationToken ct) => Print(
        output,
        cursor => services.GetRequiredService<ISender>().Send(new ListMembers.Query(orgId, PageSize, cursor), ct),
        member => [member.Email, member.Role, member.Status, member.Name, Time(member.CreatedAt)]);

    public static Task ApiKeys(IServiceProvider services, Guid orgId, TextWriter output, CancellationToken ct) =>
        Print(
            output,
            cursor => services.GetRequiredService<ISender>().Send(new ListApiKeys.Query(orgId, PageSize, cursor), ct),
            key =>
                [
                    key.PublicId,
                    key.Label,
                    string.Join(',', key.Scopes),
                    State(key),
                    Time(key.CreatedAt),
                    key.LastUsedAt is { } used ? $"used {Time(used)}" : "never used",
                ]);

    public static async Task Superadmins(IServiceProvider services, TextWriter output, CancellationToken ct)
    {
        var superadmins = await services.GetRequiredService<NpgsqlDataSource>().ReadAsync<Superadmin>(
            """
            select email, name, disabled_at, created_at
            from users
            where role = 'superadmin'
              and org_id is null
              and removed_at is null
            order by created_at desc
            """,
            new { },
            ct);
        foreach (var superadmin in superadmins)
        {
            Print(
                output,
                [superadmin.Email, superadmin.DisabledAt is null ? "active" : "disabled", superadmin.Name, Time(superadmin.CreatedAt)]);
        }
    }

    private static async Task Print<T>(
        TextWriter output, Func<string?, Task<Page<T>>> read, Func<T, string?[]> columns)
    {
        string? cursor = null;
        do
        {
            var page = await read(cursor);
            foreach (var item in page.Items)
                Print(output, columns(item));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
    }

    // A name may contain any character; sanitizing keeps it from forging a line or moving a terminal's cursor.
    private static void Print(TextWriter output, string?[] columns) =>
        output.WriteLine(string.Join('\t', columns.Select(column => LogText.Sanitize(column ?? ""))));

    private static string State(ApiKeyDescription key) =>
        key.RevokedAt is not null ? "revoked"
        : key.ExpiresAt is { } expires && expires <= TimeProvider.System.GetUtcNow() ? "expired"
        : "live";

    private static string Time(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private sealed record Superadmin(string Email, string? Name, DateTimeOffset? DisabledAt, DateTimeOffset CreatedAt);
}
