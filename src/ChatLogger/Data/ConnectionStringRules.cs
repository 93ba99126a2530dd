using System.Data.Common;
using ChatLogger.Configuration;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Validates a connection string: allows every name and value that Npgsql knows, unless this service cannot work with it.
/// </summary>
internal static class ConnectionStringRules
{
    /// <summary>Returns the connection string, completed with what several hosts require.</summary>
    /// <exception cref="StartupException">Names the parameter but no value, because the value may be the password.</exception>
    public static string Check(string setting, string text)
    {
        var connection = Read(setting, text);
        if (string.IsNullOrWhiteSpace(connection.Host))
            throw new StartupException($"{setting} names no host: Host=db, or Host=/var/run/postgresql for a Unix socket.");
        foreach (var (name, file) in new[]
        {
            ("Root Certificate (sslrootcert)", connection.RootCertificate),
            ("SSL Certificate (sslcert)", connection.SslCertificate),
            ("SSL Key (sslkey)", connection.SslKey),
            ("Passfile", connection.Passfile),
        })
        {
            if (file is { Length: > 0 })
                MustBeReadable(setting, name, file);
        }

        try
        {
            SessionParameters.Parse(connection.Options);
        }
        catch (FormatException)
        {
            throw new StartupException(
                $"{setting}: Options holds something else than run-time parameters, written -c name=value with spaces between them.");
        }

        var names = connection.Keys;
        var refusal = connection switch
        {
            { TargetSessionAttributes: { } attributes }
                when attributes.Contains("standby", StringComparison.OrdinalIgnoreCase) || attributes == "read-only" =>
                $"Target Session Attributes (target_session_attrs) is {attributes}, but the service writes. "
                    + "Use read-write or primary, or leave it out.",
            { SslNegotiation: SslNegotiation.Direct, SslMode: SslMode.Disable or SslMode.Allow or SslMode.Prefer } =>
                "SSL Negotiation (sslnegotiation) is direct, which needs SSL Mode (sslmode) require, verify-ca or verify-full.",
            _ when names.Contains("Multiplexing") && connection.Multiplexing =>
                "Multiplexing is for many more connections than the pools here have; leave it out.",
            _ when names.Contains("Replication Mode") => "Replication Mode is for replication; leave it out.",
            _ when names.Contains("Server Compatibility Mode") =>
                "Server Compatibility Mode is for servers that are not PostgreSQL; leave it out.",
            _ when names.Contains("Client Encoding") && !IsUtf8(connection.ClientEncoding) => "Client Encoding must be UTF8; leave it out.",
            _ when names.Contains("Encoding") && !IsUtf8(connection.Encoding) => "Encoding must be UTF8; leave it out.",
            _ => null,
        };
        if (refusal is not null)
            throw new StartupException($"{setting}: {refusal}");

        // With one host, DatabaseProbe checks the server's state at startup; with several, each connection must go to one that accepts
        // writes.
        if (!connection.Host.Contains(',', StringComparison.Ordinal))
            connection.TargetSessionAttributes = null;
        else if (connection.TargetSessionAttributes is null or "any")
            connection.TargetSessionAttributes = "read-write";
        return connection.ConnectionString;
    }

    // Parses one name at a time, to report which one is wrong. The parser's messages may contain part of the string, and so the password.
    private static NpgsqlConnectionStringBuilder Read(string setting, string text)
    {
        var given = new DbConnectionStringBuilder();
        try
        {
            given.ConnectionString = text;
        }
        catch (ArgumentException)
        {
            throw new StartupException(
                $"{setting} is not a connection string of Npgsql, such as Host=db;Database=chatlogger;Username=chatlogger;Password=…");
        }
        var read = new NpgsqlConnectionStringBuilder();
        foreach (string name in given.Keys)
        {
            if (!IsKnown(name))
                throw new StartupException(
                    $"{setting} has a parameter that Npgsql does not know: {Shown(AsWritten(name, text))}. "
                        + "Its connection strings look like Host=db;Database=chatlogger;Username=chatlogger;Password=…"
                );
            try
            {
                read[name] = given[name];
            }
            catch (Exception failure)
                when (failure is ArgumentException or FormatException or OverflowException or InvalidCastException or NotSupportedException)
            {
                throw new StartupException($"{setting} gives {AsWritten(name, text)} a value that it does not take.");
            }
        }
        return read;
    }

    public static bool IsKnown(string name)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder().ContainsKey(name);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    // The builder only knows names in lower case.
    private static string AsWritten(string name, string text) =>
        text.IndexOf(name, StringComparison.OrdinalIgnoreCase) is >= 0 and var at ? text.Substring(at, name.Length) : name;

    // A semicolon in a password can turn part of a value into a name.
    private static string Shown(string name) => name.Length <= 40 && name.All(c => char.IsAsciiLetter(c) || c is ' ' or '_')
        ? name
        : "its name is not shown, for it may be a part of the password; put the password between quotes";

    private static bool IsUtf8(string? encoding) =>
        encoding?.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant() is "UTF8" or "UNICODE";

    private static void MustBeReadable(string setting, string name, string file)
    {
        try
        {
            using var _ = File.OpenRead(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{setting}: {name} is a file that cannot be read: {failure.Message}");
        }
    }
}
