namespace ChatLogger.Testing;

/// <summary>
/// How far the tests go that sweep over many values or try random ones: in the short form every value and every place is still met, but not
/// each value in each place, and fewer cases are random. <c>tests/long.sh</c> runs the long form, with <c>CHATLOGGER_LONG_TESTS=1</c>.
/// </summary>
internal static class TestLength
{
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("CHATLOGGER_LONG_TESTS") == "1";

    /// <summary>So many random cases.</summary>
    public static int Cases(int inShort, int inLong) => IsLong ? inLong : inShort;
}

/// <summary>
/// Values that are tried in many places, one after the other: all of them in each place, or in the short form some of them, which are
/// others in the next place. Values of one kind stand next to each other, so that each place meets every kind.
/// </summary>
/// <param name="values">All of them.</param>
/// <param name="oneIn">The short form takes every so manyth.</param>
/// <param name="first">The place in the rotation at which it begins.</param>
internal sealed class Sweep<T>(IReadOnlyList<T> values, int oneIn, int first = 0)
{
    private readonly HashSet<int> _left = [.. Enumerable.Range(0, values.Count)];
    private int _place = first;

    /// <summary>The values for the next place.</summary>
    public IEnumerable<T> Next()
    {
        var step = TestLength.IsLong ? 1 : oneIn;
        for (var i = _place++ % step; i < values.Count; i += step)
        {
            _left.Remove(i);
            yield return values[i];
        }
    }

    /// <summary>Fails if some value was tried nowhere.</summary>
    public void HasTriedAll() => Assert.Empty(_left.Select(i => values[i]));
}
