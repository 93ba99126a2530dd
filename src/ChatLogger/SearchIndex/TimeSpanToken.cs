namespace ChatLogger.SearchIndex;

/// <summary>
/// The spans of time whose tokens each row of the index has, besides those of its words: the hour of the chat's creation, and spans 16, 256
/// and 4,096 times as long. With one of them among the tokens that it asks for, a search reads the candidates of that span only, however
/// frequent its words are in all others.
/// </summary>
internal static class TimeSpanToken
{
    /// <summary>The number of lengths of spans.</summary>
    public const int Levels = 4;

    private const long Factor = 2_654_435_761;

    /// <summary>The tokens of <c>c.created_at</c> as an array; <c>@Seed</c> is the seed of the hashes.</summary>
    public const string Sql =
        """
        array(
            select ((((hours.number >> 4 * level) * 4 + level) * 2654435761 + @Seed & 4294967295) - 2147483648)::integer
            from generate_series(0, 3) level,
                 lateral (select floor(extract(epoch from c.created_at) / 3600)::bigint as number) hours
        )
        """;

    public static double Hours(int level) => 1 << 4 * level;

    /// <summary>The span of a level with an instant in it: its token and its beginning.</summary>
    public static (int Token, DateTimeOffset Start) Of(DateTimeOffset time, int level, int seed)
    {
        var number = Math.DivRem(time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks, TimeSpan.TicksPerHour, out var rest) - (rest < 0 ? 1 : 0);
        var span = number >> 4 * level;
        var start = (span << 4 * level) * TimeSpan.TicksPerHour + DateTimeOffset.UnixEpoch.Ticks;
        return (
            (int)(((span * Levels + level) * Factor + seed & uint.MaxValue) + int.MinValue),
            new(Math.Max(0, start), TimeSpan.Zero));
    }
}
