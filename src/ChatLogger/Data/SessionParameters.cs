using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace ChatLogger.Data;

/// <summary>How sessions get their run-time parameters.</summary>
internal enum SessionSetup
{
    /// <summary>By the start-up parameter <c>options</c>, which sets the session's defaults: DISCARD ALL restores them.</summary>
    AtStartup,

    /// <summary>By a statement on each new connection, because a pooler rejects or drops the start-up parameter.</summary>
    ByStatement,

    /// <summary>
    /// Not at all, because each transaction may run in another session: role and database set the defaults, which are only checked.
    /// </summary>
    ByRole,
}

/// <summary>The run-time parameters of a session, written as PostgreSQL's <c>options</c>: <c>-c name=value -c name=value</c>.</summary>
internal static class SessionParameters
{
    // A connection is opened within a request's deadline; the server answers this statement at once or does not work.
    private const int SetupSeconds = 4;

    // transaction_timeout exists since PostgreSQL 17; before, setting it is an error, and fatal as a start-up option.
    private const string SetParameters =
        """
        select set_config(name, value, false)
        from (
            select name, value from unnest(@Names, @Values) as given (name, value)
            union all
            select 'transaction_timeout', '0' where current_setting('transaction_timeout', true) is not null
        ) as wanted
        """;

    /// <summary>
    /// Checks the defaults of a session that cannot be configured: null, or what is wrong and the statements that correct it.
    /// </summary>
    public const string FindWrongDefaults =
        """
        select string_agg(
            format(
                '%s is %s; run: alter role %I set %s = %L',
                wanted.name, current_setting(wanted.name), current_user, wanted.name, wanted.values[1]),
            ', ')
        from (values
            ('synchronous_commit', array['on', 'remote_apply']),
            ('default_transaction_isolation', array['read committed']),
            ('standard_conforming_strings', array['on']),
            ('intervalstyle', array['postgres']),
            ('timezone', array['UTC'])) as wanted (name, values)
        where current_setting(wanted.name) <> all (wanted.values)
        """;

    /// <summary>
    /// Parses options as PostgreSQL does: words separated by spaces, a backslash escapes the next character, and the last value of a name
    /// wins.
    /// </summary>
    /// <exception cref="FormatException">An option is neither <c>-c name=value</c> nor <c>--name=value</c>.</exception>
    public static IReadOnlyDictionary<string, string> Parse(string? options)
    {
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        using var words = Words(options ?? "").GetEnumerator();
        while (words.MoveNext())
        {
            var assignment = words.Current switch
            {
                "-c" => words.MoveNext() ? words.Current : "",
                ['-', 'c', .. var rest] => rest,
                ['-', '-', .. var rest] => rest,
                _ => "",
            };
            if (assignment.Split('=', 2) is not [{ Length: > 0 } name, var value])
                throw new FormatException("Only -c name=value is understood.");
            parameters[name.Replace('-', '_')] = value;
        }
        return parameters;
    }

    /// <summary>Configures each new connection of the data source before its first use.</summary>
    public static void SetUp(NpgsqlDataSourceBuilder builder, SessionSetup setup)
    {
        var text = builder.ConnectionStringBuilder;
        var parameters = new Dictionary<string, string>(Parse(text.Options));
        if (setup == SessionSetup.ByStatement)
        {
            text.Options = null;
            // Npgsql would send it as a start-up parameter, which such a pooler does not know either.
            if (text.SearchPath is { Length: > 0 } path)
                parameters["search_path"] = path;
            text.SearchPath = null;
        }
        builder.UsePhysicalConnectionInitializer(
            connection =>
            {
                using var command = Command(connection, setup, parameters);
                Evaluate(command.ExecuteScalar(), setup);
            },
            async connection =>
            {
                await using var command = Command(connection, setup, parameters);
                Evaluate(await command.ExecuteScalarAsync(), setup);
            });
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, SessionSetup setup, Dictionary<string, string> parameters) => new(
        setup == SessionSetup.ByRole ? FindWrongDefaults : SetParameters, connection)
    {
        CommandTimeout = SetupSeconds,
        Parameters =
        {
            new("Names", NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = parameters.Keys.ToArray() },
            new("Values", NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = parameters.Values.ToArray() },
        },
    };

    // Treats wrong defaults like a failed connection: the caller gets a 503, and acknowledged writes stay durable.
    private static void Evaluate(object? answer, SessionSetup setup)
    {
        if (setup == SessionSetup.ByRole && answer is string wrong)
            throw new NpgsqlException($"The session is not as it must be: {wrong}.");
    }

    private static IEnumerable<string> Words(string options)
    {
        var word = new StringBuilder();
        var (inWord, escaped) = (false, false);
        foreach (var character in options)
        {
            if (!escaped && char.IsWhiteSpace(character))
            {
                if (inWord)
                    yield return word.ToString();
                word.Clear();
                inWord = false;
                continue;
            }
            inWord = true;
            if (!escaped && character == '\\')
            {
                escaped = true;
                continue;
            }
            escaped = false;
            word.Append(character);
        }
        if (inWord)
            yield return word.ToString();
    }
}
