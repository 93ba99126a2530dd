namespace ChatLogger.Http;

/// <summary>A page of a list. Where there is more, <c>nextCursor</c> leads to the next one; otherwise it is null.</summary>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

internal static class Page
{
    public const int DefaultLimit = 50;
    public const int MaxLimit = 200;

    /// <summary>
    /// A page of large items ends with the item that reaches this size, before its limit. A page stays in memory until it is sent, even to
    /// a slow reader, so this bounds the memory of all pages together.
    /// </summary>
    public const int MaxBytes = 262_144;

    /// <summary>Builds a page from up to one row more than its limit: the extra row only shows that there is a next page.</summary>
    public static Page<TItem> Of<TRow, TItem>(IReadOnlyList<TRow> rows, int limit, Func<TRow, TItem> item, Func<TRow, string> cursor) =>
        Of(rows, rows.Count, limit, item, cursor);

    /// <summary>
    /// Does the same when only the first of the found rows (at most limit + 1) were read, because they reached the size limit.
    /// </summary>
    public static Page<TItem> Of<TRow, TItem>(
        IReadOnlyList<TRow> rows,
        long found,
        int limit,
        Func<TRow, TItem> item,
        Func<TRow, string> cursor)
    {
        TItem[] items = [.. rows.Take(limit).Select(item)];
        return new(items, found > items.Length ? cursor(rows[items.Length - 1]) : null);
    }
}
