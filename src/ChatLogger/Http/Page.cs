namespace ChatLogger.Http;

/// <summary>A page of a list. Where there is more, <c>nextCursor</c> leads to the next one; otherwise it is null.</summary>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

internal static class Page
{
    public const int DefaultLimit = 50;
    public const int MaxLimit = 200;

    /// <summary>
    /// A page whose items are large ends with the one that reaches this, before its limit. What is read for a page is in memory until it is sent, to
    /// readers of any speed, so this bounds what they take up together.
    /// </summary>
    public const int MaxBytes = 262_144;

    /// <summary>Makes a page from one row more than it holds: the extra row only tells that there is a next page.</summary>
    public static Page<TItem> Of<TRow, TItem>(IReadOnlyList<TRow> rows, int limit, Func<TRow, TItem> item, Func<TRow, string> cursor) =>
        Of(rows, rows.Count, limit, item, cursor);

    /// <summary>The same where of the rows that were found, one more than the limit at most, only the first were read, for they were enough.</summary>
    public static Page<TItem> Of<TRow, TItem>(IReadOnlyList<TRow> rows, long found, int limit, Func<TRow, TItem> item, Func<TRow, string> cursor)
    {
        TItem[] items = [.. rows.Take(limit).Select(item)];
        return new(items, found > items.Length ? cursor(rows[items.Length - 1]) : null);
    }
}
