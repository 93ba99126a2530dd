using System.Text;
using System.Text.RegularExpressions;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// Reads an SQL statement closely enough to say which tenant's tables in it are not held to an organization. Each table of a scope (what
/// stands between a pair of parentheses, or on one side of a union) needs its <c>org_id</c> set equal to something from outside the scope,
/// or to that of a table there that has; a table that is written to needs it among the columns.
/// </summary>
internal static partial class TenantStatement
{
    private static readonly HashSet<string> NoAlias = new(StringComparer.Ordinal)
    {
        "set",
        "where",
        "on",
        "join",
        "left",
        "right",
        "full",
        "inner",
        "cross",
        "natural",
        "order",
        "group",
        "having",
        "limit",
        "offset",
        "for",
        "select",
        "values",
        "returning",
        "using",
        "union",
        "and",
        "or",
        "as",
        "from",
        "tablesample",
        "window",
        "fetch",
        "with",
    };

    /// <summary>The tables, by name or alias, that a statement does not restrict to an organization.</summary>
    public static IReadOnlyList<string> Forgotten(string sql, IReadOnlyCollection<string> tables)
    {
        var text = Comment().Replace(sql, "");
        var common = CommonTable().Matches(text).Select(match => match.Groups[1].Value).ToHashSet();
        var names = string.Join('|', tables.Where(table => !common.Contains(table)).Select(Regex.Escape));
        if (names.Length == 0)
            return [];
        return [.. Scopes(text).SelectMany(scope => Branch().Split(scope)).SelectMany(branch => InScope(branch, names))];
    }

    /// <summary>Whether the statement uses one of the tables.</summary>
    public static bool Names(string sql, string table) =>
        Regex.IsMatch(sql, $@"\b(?:from|join|into|update|copy|using)\s+(?:only\s+)?{Regex.Escape(table)}\b");

    private static IEnumerable<string> InScope(string scope, string names)
    {
        var held = new HashSet<string>(StringComparer.Ordinal);
        var mentioned = new List<string>();
        foreach (
            Match read in Regex.Matches(
                scope,
                $@"\b(?:from|join|update|using)\s+(?:lateral\s+)?(?:only\s+)?({names})\b(?:\s+(?:as\s+)?([a-z_0-9]+)\b)?"
                    + $@"|,\s*({names})\s+(?:as\s+)?([a-z_0-9]+)\b"))
        {
            var alias = read.Groups[2].Success ? read.Groups[2].Value : read.Groups[4].Value;
            var table = read.Groups[1].Success ? read.Groups[1].Value : read.Groups[3].Value;
            if (NoAlias.Contains(alias))
            {
                // In a list of columns the name of a table is a column.
                if (read.Groups[3].Success)
                    continue;
                alias = "";
            }
            mentioned.Add(alias.Length == 0 ? table : alias);
        }
        // The columns of what is written stand in parentheses of their own, of which the scope keeps only the org_id.
        foreach (Match write in Regex.Matches(scope, $@"\b(?:into|copy)\s+({names})\b\s*(?:as\s+\w+\s*)?(\(org_id\))?"))
        {
            if (!write.Groups[2].Success)
                yield return write.Groups[1].Value;
        }

        var pairs = Equation()
            .Matches(scope)
            .Select(match => (Left: Owner(match.Groups[1].Value), Right: Owner(match.Groups[2].Value)))
            .ToList();
        for (var grew = true; grew;)
        {
            grew = false;
            foreach (var (left, right) in pairs)
                grew |= Hold(left, right) | Hold(right, left);
        }
        foreach (var name in mentioned.Where(name => !held.Contains(name)))
            yield return name;

        // An org_id without a table name belongs to the only table of the statement.
        bool Hold(string? subject, string? by)
        {
            var name = subject == "" && mentioned.Count == 1 ? mentioned[0] : subject;
            if (name is null || !mentioned.Contains(name))
                return false;
            var source = by == "" && mentioned.Count == 1 ? mentioned[0] : by;
            return (source is null || !mentioned.Contains(source) || held.Contains(source)) && source != name && held.Add(name);
        }
    }

    /// <summary>Whose org_id it is: an alias, "" for one without; null for anything else, such as a parameter.</summary>
    private static string? Owner(string side) =>
        side == "org_id" ? "" : side.EndsWith(".org_id", StringComparison.Ordinal) ? side[..^".org_id".Length] : null;

    /// <summary>The statement and the content of each pair of parentheses, each without its inner parentheses.</summary>
    private static List<string> Scopes(string text)
    {
        var open = new Stack<StringBuilder>();
        open.Push(new StringBuilder());
        var done = new List<string>();
        foreach (var character in text)
        {
            if (character == '(')
            {
                open.Push(new StringBuilder());
            }
            else if (character == ')' && open.Count > 1)
            {
                var inner = open.Pop().ToString();
                done.Add(inner);
                open.Peek().Append(Column().IsMatch(inner) && !inner.Contains('=', StringComparison.Ordinal) ? "(org_id)" : "()");
            }
            else
            {
                open.Peek().Append(character);
            }
        }
        while (open.TryPop(out var rest))
            done.Add(rest.ToString());
        return done;
    }

    [GeneratedRegex(@"(?<![\w@.])((?:[a-z_0-9]+\.)?org_id)\s*=\s*([@$]?[\w.]+)")]
    private static partial Regex Equation();

    [GeneratedRegex(@"(?:\bwith(?:\s+recursive)?|,)\s+(\w+)\s+as\s+(?:not\s+)?(?:materialized\s+)?\(")]
    private static partial Regex CommonTable();

    [GeneratedRegex(@"\b(?:union(?:\s+all)?|intersect|except)\b|;")]
    private static partial Regex Branch();

    [GeneratedRegex(@"(?<![\w.@])org_id\s*(?:,|$)")]
    private static partial Regex Column();

    [GeneratedRegex("--[^\r\n]*")]
    private static partial Regex Comment();
}
