using System.Globalization;
using System.Text;

namespace ChatLogger.Tests.Telemetry;

/// <summary>
/// Prometheus' text format, version 0.0.4, read by its description and not by our writer: strictly, so that whatever Prometheus would
/// refuse fails the test.
/// </summary>
internal sealed class Exposition
{
    private static readonly string[] Types = ["counter", "gauge", "histogram", "summary", "untyped"];

    private readonly Dictionary<string, (string Type, string? Help)> _families = [];
    private readonly List<Sample> _samples = [];

    public IReadOnlyDictionary<string, (string Type, string? Help)> Families => _families;

    public IReadOnlyList<Sample> Samples => _samples;

    public static Exposition Read(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', text);
        var exposition = new Exposition();
        var helps = new Dictionary<string, string>();
        var current = "";
        var seen = new HashSet<string>();
        foreach (var line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var (name, help) = Cut(line["# HELP ".Length..]);
                Assert.True(helps.TryAdd(name, Unescaped(help, quotes: false)), $"{name} has two HELP lines.");
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var (name, type) = Cut(line["# TYPE ".Length..]);
                Assert.Contains(type, Types);
                IsName(name, colons: true);
                Assert.True(
                    exposition._families.TryAdd(name, (type, null)),
                    $"{name} has two TYPE lines, or its samples are not together.");
                current = name;
            }
            else
            {
                var sample = Sample.Read(line);
                Assert.True(
                    current.Length > 0 && exposition.Owns(current, sample.Name),
                    $"{sample.Name} stands below the type of {current}.");
                Assert.True(seen.Add($"{sample.Name} {string.Join(',', sample.Labels.OrderBy(label => label.Key))}"), $"Twice: {line}");
                exposition._samples.Add(sample);
            }
        }
        // The order of the two lines is not defined.
        foreach (var (name, help) in helps)
            exposition._families[name] = (exposition._families[name].Type, help);
        exposition.CheckHistograms();
        return exposition;
    }

    public IEnumerable<Sample> Of(string name) => _samples.Where(sample => sample.Name == name);

    /// <summary>The one sample with this name and, among others, these labels.</summary>
    public double Value(string name, params (string Name, string Value)[] labels) =>
        Assert.Single(Of(name), sample => labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)).Value;

    private bool Owns(string family, string sample) => _families[family].Type == "histogram"
        ? sample == $"{family}_bucket" || sample == $"{family}_sum" || sample == $"{family}_count"
        : sample == family;

    // Buckets grow, end with +Inf, and that is the count.
    private void CheckHistograms()
    {
        foreach (var (name, _) in _families.Where(family => family.Value.Type == "histogram"))
        {
            var series = Of($"{name}_bucket")
                .GroupBy(bucket => string.Join(',', bucket.Labels.Where(label => label.Key != "le").OrderBy(label => label.Key)))
                .ToList();
            Assert.Equal(series.Count, Of($"{name}_count").Count());
            Assert.Equal(series.Count, Of($"{name}_sum").Count());
            foreach (var buckets in series.Select(group => group.ToList()))
            {
                var bounds = buckets.ConvertAll(bucket => Number(bucket.Labels["le"]));
                Assert.Equal(bounds.Order(), bounds);
                Assert.Equal(double.PositiveInfinity, bounds[^1]);
                Assert.Equal(buckets.Select(bucket => bucket.Value).Order(), buckets.Select(bucket => bucket.Value));
                var labels = buckets[0].Labels.Where(label => label.Key != "le").Select(label => (label.Key, label.Value)).ToArray();
                Assert.Equal(
                    Assert
                        .Single(
                            Of($"{name}_count"),
                            count =>
                                count.Labels.Count == labels.Length
                                && labels.All(label => count.Labels.GetValueOrDefault(label.Key) == label.Value))
                        .Value,
                    buckets[^1].Value);
            }
        }
    }

    private static (string Name, string Text) Cut(string text)
    {
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return (text[..space], text[(space + 1)..]);
    }

    private static void IsName(string name, bool colons) =>
        Assert.Matches(colons ? "^[a-zA-Z_:][a-zA-Z0-9_:]*$" : "^[a-zA-Z_][a-zA-Z0-9_]*$", name);

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    private static string Unescaped(string text, bool quotes)
    {
        var read = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                read.Append(text[i]);
                continue;
            }
            read.Append(text[++i] switch
            {
                '\\' => '\\',
                'n' => '\n',
                '"' when quotes => '"',
                var other => throw new FormatException($"\\{other} is no escape."),
            });
        }
        return read.ToString();
    }

    internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
    {
        public static Sample Read(string line)
        {
            var labels = new Dictionary<string, string>();
            var end = line.IndexOfAny(['{', ' ']);
            var name = line[..end];
            IsName(name, colons: true);
            if (line[end] == '{')
            {
                end++;
                while (line[end] != '}')
                {
                    var equals = line.IndexOf('=', end);
                    var label = line[end..equals];
                    IsName(label, colons: false);
                    Assert.Equal('"', line[equals + 1]);
                    end = equals + 2;
                    var start = end;
                    while (line[end] != '"')
                        end += line[end] == '\\' ? 2 : 1;
                    Assert.True(labels.TryAdd(label, Unescaped(line[start..end], quotes: true)), $"{label} twice: {line}");
                    end++;
                    if (line[end] == ',')
                        end++;
                }
                end++;
            }
            Assert.Equal(' ', line[end]);
            return new(name, labels, Number(line[(end + 1)..]));
        }
    }
}
