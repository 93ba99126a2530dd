using System.Globalization;
using System.Text.Json.Nodes;
using ChatLogger.Http;

namespace ChatLogger.OpenApi;

/// <summary>
/// Describes each member of a schema and each parameter, and which values a caller may send. The limits are the configured ones and appear
/// in requests only. A name has the same meaning everywhere, unless an entry with the schema's name before it says otherwise.
/// </summary>
internal sealed partial class MemberTable(Limits limits)
{
    private readonly Dictionary<string, Member> _members =
        new([
            .. ListMembers(limits), .. ConversationMembers(limits), .. OrganizationMembers(limits), .. ExportMembers(),
            .. PrivacyMembers(limits), .. AnalyticsMembers(limits), .. IntegrationMembers(), .. WebhookMembers(limits),
        ]);

    private static readonly Member Unknown = new("");

    /// <summary>Returns the description; a test checks that every member has one.</summary>
    public Member Find(string? shape, string name) =>
        _members.GetValueOrDefault($"{shape}.{name}") ?? _members.GetValueOrDefault(name) ?? Unknown;

    /// <summary>Adds the constraints to the schema of a parameter or of a request's member.</summary>
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

    /// <summary>A description and the allowed values; lengths are in characters (Unicode code points).</summary>
    internal sealed record Member(string Description)
    {
        /// <summary>The enumeration of its values; see <see cref="ClosedSets"/>.</summary>
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

        /// <summary>A valid value, for a parameter.</summary>
        public string? Example { get; init; }

        /// <summary>A JSON object whose members the caller chooses.</summary>
        public bool IsMetadata { get; init; }

        /// <summary>An array whose elements have this schema, which <see cref="SchemaBuilder"/> defines.</summary>
        public string? ItemSchema { get; init; }

        /// <summary>Described as a list, although a single value is accepted too.</summary>
        public bool IsList { get; init; }
    }
}
