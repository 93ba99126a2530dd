using System.Globalization;
using System.Text;

namespace ChatLogger.Telemetry.Prometheus;

/// <summary>OpenTelemetry's names as Prometheus spells them: <c>http.server.request.duration</c> in <c>s</c> is <c>http_server_request_duration_seconds</c>.</summary>
internal static class PrometheusName
{
    public static string Of(string name, string? unit, string type)
    {
        var spelled = Spelled(name);
        var suffix = unit switch
        {
            null or "" => "",
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            "1" => type == "gauge" ? "_ratio" : "",
            "%" => "_percent",
            // What is counted ({row}) is in the name already.
            ['{', ..] => "",
            _ => $"_{Spelled(unit)}",
        };
        if (!spelled.EndsWith(suffix, StringComparison.Ordinal))
            spelled += suffix;
        return type == "counter" && !spelled.EndsWith("_total", StringComparison.Ordinal) ? $"{spelled}_total" : spelled;
    }

    /// <summary>The labels, sorted, escaped and without braces. A name that comes twice counts the last time.</summary>
    public static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in tags)
            labels[Spelled(name)] = Escaped(Text(value));
        return string.Join(',', labels.Select(label => $"{label.Key}=\"{label.Value}\""));
    }

    private static string Text(object? value) =>
        value is bool truth ? truth ? "true" : "false" : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private static string Escaped(string text) => text.Replace("\\", @"\\").Replace("\"", "\\\"").Replace("\n", @"\n");

    private static string Spelled(string name)
    {
        var spelled = new StringBuilder(name.Length);
        foreach (var character in name)
            spelled.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
        if (spelled.Length == 0 || char.IsAsciiDigit(spelled[0]))
            spelled.Insert(0, '_');
        return spelled.ToString();
    }
}
