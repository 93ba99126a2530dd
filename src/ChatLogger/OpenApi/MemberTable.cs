using System.Globalization;
using System.Text.Json.Nodes;
using ChatLogger.Http;

namespace ChatLogger.OpenApi;

/// <summary>
/// What each member of a shape and each parameter means, and what a caller may send for it. The limits are those that are set, and are
/// stated of requests only. A name means the same wherever it stands, unless a line with the shape's name before it says otherwise.
/// </summary>
internal sealed partial class MemberTable(Limits limits)
{
    private readonly Dictionary<string, Member> _members =
        new([
            .. ListMembers(limits), .. ConversationMembers(limits), .. OrganizationMembers(limits), .. ExportMembers(),
            .. AnalyticsMembers(limits),
        ]);

    private static readonly Member Unknown = new("");

    /// <summary>What is said of it. A test holds that something is said of everything.</summary>
    public Member Find(string? shape, string name) =>
        _members.GetValueOrDefault($"{shape}.{name}") ?? _members.GetValueOrDefault(name) ?? Unknown;

    /// <summary>Adds what a caller may send to the schema of a parameter or of a member of a request.</summary>
    public static void Constrain(JsonObject schema, Member member)
    {
        var one = schema["items"] as JsonObject ?? schema;
        if (one != schema)
        {
            Put(schema, "minItems", member.MinItems);
            Put(schema, "maxItems", member.MaxItems);
            if (member.Unique)
                schema["uniqueItems"] = true;
        }
        if (member.Set is { } set && one["$ref"] is null && schema["oneOf"] is null)
        {
            if (one == schema)
                schema.Clear();
            else
                one.Clear();
            one["$ref"] = $"#/components/schemas/{set}";
        }
        Put(one, "minLength", member.MinLength);
        Put(one, "maxLength", member.MaxLength);
        Put(one, "minimum", member.Minimum);
        Put(one, "maximum", member.Maximum);
        if (member.Pattern is { } pattern)
            one["pattern"] = pattern;
        if (member.Format is { } format)
            one["format"] = format;
        if (member.Default is { } value && one["$ref"] is null)
            one["default"] = int.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : value;
    }

    private static void Put(JsonObject schema, string name, int? value)
    {
        if (value is { } number)
            schema[name] = number;
    }

    /// <summary>A sentence about it, and what may be sent: lengths in characters (Unicode code points).</summary>
    internal sealed record Member(string Description)
    {
        /// <summary>The closed set that its values are of; see <see cref="ClosedSets"/>.</summary>
        public string? Set { get; init; }
        public int? MinLength { get; init; }
        public int? MaxLength { get; init; }
        public int? Minimum { get; init; }
        public int? Maximum { get; init; }
        public int? MinItems { get; init; }
        public int? MaxItems { get; init; }
        public bool Unique { get; init; }
        public string? Pattern { get; init; }
        public string? Format { get; init; }
        public string? Default { get; init; }

        /// <summary>A value that works, for a parameter.</summary>
        public string? Example { get; init; }

        /// <summary>A JSON object of the caller's own.</summary>
        public bool IsMetadata { get; init; }

        /// <summary>Described as a list, though one value may stand alone.</summary>
        public bool IsList { get; init; }
    }
}
