using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace ChatLogger.Bench;

/// <summary>
/// Equality of JSON values: the order of an object's members is of no account, that of an array is; numbers are compared as the decimal
/// numbers they are written as, so 1 is 1.0 and 1e0, and 9007199254740993 is not the double next to it.
/// </summary>
internal static class JsonEquality
{
    public static bool AreEqual(JsonElement one, JsonElement other) => Canonical(one) == Canonical(other);

    /// <summary>One text for all spellings of a value. An undefined element is spelled like null.</summary>
    public static string Canonical(JsonElement value)
    {
        var text = new StringBuilder();
        Write(value, text);
        return text.ToString();
    }

    /// <summary>The same for metadata, where absent, null and an object without members are one.</summary>
    public static string CanonicalMetadata(JsonElement metadata) =>
        metadata.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? "{}" : Canonical(metadata);

    private static void Write(JsonElement value, StringBuilder text)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append('{');
                foreach (var (index, member) in value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal).Index())
                {
                    text.Append(index == 0 ? "" : ",");
                    Write(member.Name, text);
                    text.Append(':');
                    Write(member.Value, text);
                }
                text.Append('}');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                foreach (var (index, item) in value.EnumerateArray().Index())
                {
                    text.Append(index == 0 ? "" : ",");
                    Write(item, text);
                }
                text.Append(']');
                break;
            case JsonValueKind.String:
                Write(value.GetString()!, text);
                break;
            case JsonValueKind.Number:
                text.Append(CanonicalNumber(value.GetRawText()));
                break;
            case JsonValueKind.Undefined:
                text.Append("null");
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }
    }

    private static void Write(string value, StringBuilder text) =>
        text.Append('"')
            .Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))
            .Append('"');

    // Digits without leading and trailing zeros, and the power of ten that belongs to the last of them. Never through double or decimal,
    // which would make neighbours equal; the exponent is unbounded as well.
    private static string CanonicalNumber(string number)
    {
        var negative = number[0] == '-';
        var split = number.IndexOfAny(['e', 'E']);
        var mantissa = (split < 0 ? number : number[..split]).TrimStart('-');
        var exponent =
            split < 0
                ? BigInteger.Zero
                : BigInteger.Parse(number.AsSpan(split + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
            exponent -= mantissa.Length - point - 1;

        var digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('0');
        var significant = digits.TrimEnd('0');
        if (significant.Length == 0)
            return "0";

        exponent += digits.Length - significant.Length;
        var power = exponent.IsZero ? "" : "e" + exponent.ToString(CultureInfo.InvariantCulture);
        return (negative ? "-" : "") + significant + power;
    }
}
