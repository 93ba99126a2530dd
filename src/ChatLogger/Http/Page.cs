namespace ChatLogger.Http;

/// <summary>A page of a list. Where there is more, <c>nextCursor</c> leads to the next one; otherwise it is null.</summary>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

internal static class Page
{
    public const int DefaultLimit = 50;
    public const int MostLimit = 200;

    /// <summary>Makes a page from one row more than it holds: the extra row only tells that there is a next page.</summary>
    public static Page<TItem> Of<TRow, TItem>(IReadOnlyList<TRow> rows, int limit, Func<TRow, TItem> item, Func<TRow, string> cursor) => new(
        [.. rows.Take(limit).Select(item)],
        rows.Count > limit ? cursor(rows[limit - 1]) : null);
}
