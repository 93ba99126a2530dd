using System.Globalization;

namespace ChatLogger.Bench.Comparison;

/// <summary>The middle of some values and how far they lie apart.</summary>
internal sealed record Spread(double Median, double Min, double Max)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var (low, high) = (sorted[(sorted.Length - 1) / 2], sorted[sorted.Length / 2]);
        return new Spread((low + high) / 2, sorted[0], sorted[^1]);
    }

    /// <summary>Divided round by round, so that what slows the whole machine for a while slows both sides of a division.</summary>
    public static Spread OfRatios(IReadOnlyList<double> dividends, IReadOnlyList<double> divisors) =>
        Of(dividends.Zip(divisors, (dividend, divisor) => dividend / divisor));

    public string ToString(string format) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Median.ToString(format, CultureInfo.InvariantCulture)} ({Min.ToString(format, CultureInfo.InvariantCulture)} to "
                + $"{Max.ToString(format, CultureInfo.InvariantCulture)})");
}
