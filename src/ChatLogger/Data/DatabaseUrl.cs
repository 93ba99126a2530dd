using System.Globalization;
using System.Text.RegularExpressions;
using ChatLogger.Configuration;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Converts a connection URL (<c>postgres://user:password@host:5432/database?sslmode=require</c>), which Npgsql does not read.
/// </summary>
internal static partial class DatabaseUrl
{
    private delegate void Setter(NpgsqlConnectionStringBuilder connection, string value);

    // libpq's parameter names, which such URLs use. Npgsql's own names are accepted too.
    private static readonly Dictionary<string, Setter> Known = new(StringComparer.Ordinal)
    {
        ["user"] = (connection, value) => connection.Username = value,
        ["password"] = (connection, value) => connection.Password = value,
        ["dbname"] = (connection, value) => connection.Database = value,
        ["host"] = (connection, value) => connection.Host = value,
        ["port"] = (connection, value) => connection.Port = int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture),
        ["passfile"] = (connection, value) => connection.Passfile = value,
        ["connect_timeout"] = (connection, value) => connection.Timeout = Seconds(value),
        ["application_name"] = (connection, value) => connection.ApplicationName = value,
        ["fallback_application_name"] = (connection, value) =>
        {
            if (connection.ApplicationName is null)
                connection.ApplicationName = value;
        },
        ["options"] = (connection, value) => connection.Options = value,
        ["client_encoding"] = (connection, value) => connection.ClientEncoding = value == "auto" ? "UTF8" : value,
        ["sslmode"] = (connection, value) => connection.SslMode = One<SslMode>(value),
        ["ssl"] = (connection, value) => connection.SslMode = Switch(value) ? SslMode.Require : SslMode.Disable,
        ["sslnegotiation"] = (connection, value) => connection.SslNegotiation = One<SslNegotiation>(value),
        ["sslrootcert"] = (connection, value) => connection.RootCertificate = value == "system" ? null : value,
        ["sslcert"] = (connection, value) => connection.SslCertificate = value,
        ["sslkey"] = (connection, value) => connection.SslKey = value,
        ["sslpassword"] = (connection, value) => connection.SslPassword = value,
        ["channel_binding"] = (connection, value) => connection.ChannelBinding = One<ChannelBinding>(value),
        ["require_auth"] = (connection, value) => connection.RequireAuth = AuthenticationMethods(value),
        ["gssencmode"] = (connection, value) => connection.GssEncryptionMode = One<GssEncryptionMode>(value),
        ["krbsrvname"] = (connection, value) => connection.KerberosServiceName = value,
        ["target_session_attrs"] = (connection, value) => connection.TargetSessionAttributes = value,
        ["load_balance_hosts"] = (connection, value) => connection.LoadBalanceHosts = value switch
        {
            "disable" => false,
            "random" => true,
            _ => throw new FormatException(),
        },
        ["keepalives"] = (connection, value) => connection.TcpKeepAlive = Switch(value),
        ["keepalives_idle"] = (connection, value) => connection.TcpKeepAliveTime = Seconds(value),
        ["keepalives_interval"] = (connection, value) => connection.TcpKeepAliveInterval = Seconds(value),
    };

    // libpq parameters without a counterpart in Npgsql: to ignore them silently would break what they promise.
    private static readonly string[] WithoutCounterpart =
    [
        "gssdelegation",
        "gsslib",
        "hostaddr",
        "keepalives_count",
        "max_protocol_version",
        "min_protocol_version",
        "replication",
        "requirepeer",
        "requiressl",
        "scram_client_key",
        "scram_server_key",
        "service",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkeylogfile",
        "sslsni",
        "tcp_user_timeout",
    ];

    /// <exception cref="StartupException">The URL is malformed or has an unknown parameter.</exception>
    public static string ToConnectionString(string setting, string url)
    {
        var parts = Form().Match(url);
        // An @ after the host means that the password contains a slash or a question mark and was split wrongly.
        if (!parts.Success || RestWithAt().IsMatch(url))
            throw Malformed(setting);
        if (url.Contains("%00", StringComparison.Ordinal))
            throw new StartupException($"{setting} has a NUL (%00) in it, which PostgreSQL takes nowhere.");

        var connection = new NpgsqlConnectionStringBuilder();
        if (Part("user") is { } user)
            connection.Username = user;
        if (Part("password") is { } password)
            connection.Password = password;
        if (Part("hosts") is { } hosts)
            Hosts(connection, hosts, setting);
        if (Part("database") is { } database)
            connection.Database = database;

        foreach (var parameter in parts.Groups["parameters"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = parameter.Split('=', 2);
            if (pair.Length != 2)
                throw Malformed(setting);
            Apply(connection, setting, Uri.UnescapeDataString(pair[0]), Uri.UnescapeDataString(pair[1]));
        }
        // Like libpq: with a root certificate, sslmode=require verifies the server's certificate.
        if (connection is { SslMode: SslMode.Require, RootCertificate: { Length: > 0 } })
            connection.SslMode = SslMode.VerifyCA;
        return connection.Host is null ? throw Malformed(setting) : connection.ConnectionString;

        string? Part(string name) => parts.Groups[name] is { Length: > 0 } part ? Uri.UnescapeDataString(part.Value) : null;
    }

    private static void Hosts(NpgsqlConnectionStringBuilder connection, string hosts, string setting)
    {
        var several = hosts.Split(',');
        var ports = several.Select(host => Port().Match(host)).ToList();
        if (
            ports.Exists(port =>
                port.Success && !ushort.TryParse(port.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var _)))
            throw Malformed(setting);
        if (several.Length > 1)
        {
            connection.Host = hosts;
            return;
        }
        connection.Host = hosts[..^ports[0].Length].Trim('[', ']');
        if (ports[0].Success)
            connection.Port = ushort.Parse(ports[0].Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static void Apply(NpgsqlConnectionStringBuilder connection, string setting, string name, string value)
    {
        if (!Known.TryGetValue(name, out var set))
        {
            if (WithoutCounterpart.Contains(name))
                throw new StartupException($"{setting} has a parameter that has no counterpart here: {name}. Leave it out.");
            if (!ConnectionStringRules.IsKnown(name))
                throw new StartupException(
                    $"{setting} has a parameter that is not understood: "
                        + $"{(Name().IsMatch(name) ? name : "its name is not shown, for it may be a part of the password")}."
                );
            set = (connection, value) => connection[name] = value;
        }
        try
        {
            set(connection, value);
        }
        catch (Exception failure)
            when (failure is ArgumentException or FormatException or OverflowException or InvalidCastException or NotSupportedException)
        {
            var choice = name switch
            {
                "sslmode" => "; it takes disable, allow, prefer, require, verify-ca and verify-full",
                "sslnegotiation" => "; it takes postgres and direct",
                "channel_binding" or "gssencmode" => "; it takes disable, prefer and require",
                "target_session_attrs" => "; it takes any, read-write and primary",
                "load_balance_hosts" => "; it takes disable and random",
                _ => "",
            };
            throw new StartupException($"{setting} gives {name} a value that it does not take{choice}.");
        }
    }

    private static T One<T>(string value)
        where T : struct, Enum =>
        value.Length > 0 && !char.IsAsciiDigit(value[0])
            ? Enum.Parse<T>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true)
            : throw new FormatException();

    // Npgsql knows the same methods, some under another spelling.
    private static string AuthenticationMethods(string value) =>
        string.Join(
            ',',
            value
                .Split(',')
                .Select(method =>
                    (method.StartsWith('!') ? "!" : "")
                    + method.TrimStart('!') switch
                    {
                        "password" => "Password",
                        "md5" => "MD5",
                        "gss" => "GSS",
                        "sspi" => "SSPI",
                        "scram-sha-256" => "ScramSHA256",
                        "none" => "None",
                        _ => throw new FormatException(),
                    }));

    private static int Seconds(string value) => int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);

    private static bool Switch(string value) => value switch
    {
        "1" or "true" => true,
        "0" or "false" => false,
        _ => throw new FormatException(),
    };

    private static StartupException Malformed(string setting) =>
        new(
            $"{setting} is not a URL such as postgres://user:password@host:5432/database. "
                + "In user and password write @ as %40, / as %2F, ? as %3F, : as %3A, # as %23 and % as %25."
        );

    // Uri is not suitable: it requires a host if there is a user, and does not support libpq's forms for sockets and several hosts.
    [GeneratedRegex(
        @"^postgres(ql)?://((?<user>[^:@/?]*)(:(?<password>[^@/?]*))?@)?(?<hosts>(\[[^\]/?]+\]|[^:@/?\[\],]*)(:[0-9]+)?(,(\[[^\]/?]+\]|[^:@/?\[\],]*)(:[0-9]+)?)*)(/(?<database>[^/?@]*))?(\?(?<parameters>.*))?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Form();

    [GeneratedRegex("^[^/]*//[^/?]*[/?].*@", RegexOptions.CultureInvariant)]
    private static partial Regex RestWithAt();

    [GeneratedRegex(":([0-9]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Port();

    [GeneratedRegex("^[A-Za-z_ ]{1,40}$")]
    private static partial Regex Name();
}
