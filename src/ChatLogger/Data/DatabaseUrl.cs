using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>The URL form of a connection (<c>postgres://user:password@host:5432/database?sslmode=require</c>), which Npgsql does not read.</summary>
internal static partial class DatabaseUrl
{
    /// <exception cref="StartRefused">The URL is malformed or has a parameter that is not known.</exception>
    public static string ToConnectionString(string setting, string url)
    {
        var parts = Form().Match(url);
        if (!parts.Success)
            throw Malformed(setting);

        var builder = new NpgsqlConnectionStringBuilder();
        if (Part("user") is { } user)
            builder.Username = user;
        if (Part("password") is { } password)
            builder.Password = password;
        if (Part("host") is { } host)
            builder.Host = host;
        if (Part("port") is { } port)
            builder.Port = ushort.TryParse(port, CultureInfo.InvariantCulture, out var number) ? number : throw Malformed(setting);
        if (Part("database") is { } database)
            builder.Database = database;

        foreach (var parameter in parts.Groups["parameters"].Value.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = parameter.Split('=', 2);
            if (pair.Length != 2)
                throw Malformed(setting);
            var (name, value) = (Uri.UnescapeDataString(pair[0]), Uri.UnescapeDataString(pair[1]));
            try
            {
                // libpq's names, which are what such URLs are written with.
                switch (name)
                {
                    case "sslmode":
                        builder.SslMode = Enum.Parse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
                        break;
                    case "user":
                        builder.Username = value;
                        break;
                    case "dbname":
                        builder.Database = value;
                        break;
                    case "connect_timeout":
                        builder.Timeout = int.Parse(value, CultureInfo.InvariantCulture);
                        break;
                    case "host":
                        builder.Host = value;
                        break;
                    case "port":
                        builder.Port = int.Parse(value, CultureInfo.InvariantCulture);
                        break;
                    case "application_name":
                        builder.ApplicationName = value;
                        break;
                    case "options":
                        builder.Options = value;
                        break;
                    case "sslrootcert":
                        builder.RootCertificate = value;
                        break;
                    case "target_session_attrs":
                        builder.TargetSessionAttributes = value;
                        break;
                    case "channel_binding":
                        builder.ChannelBinding = Enum.Parse<ChannelBinding>(value, ignoreCase: true);
                        break;
                    default:
                        builder[name] = value;
                        break;
                }
            }
            catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException or KeyNotFoundException)
            {
                throw new StartRefused($"{setting} has a parameter that is not understood: {name}.");
            }
        }
        return builder.Host is null ? throw Malformed(setting) : builder.ConnectionString;

        string? Part(string name) => parts.Groups[name] is { Length: > 0 } part ? Uri.UnescapeDataString(part.Value) : null;
    }

    private static StartRefused Malformed(string setting) => new($"{setting} is not a URL such as postgres://user:password@host:5432/database");

    // Uri does not do: it wants a host where there is a user, and libpq's form for a socket has none.
    [GeneratedRegex(@"^postgres(ql)?://((?<user>[^:@/?]*)(:(?<password>[^@/?]*))?@)?(\[(?<host>[^\]]+)\]|(?<host>[^:@/?\[\]]*))(:(?<port>[0-9]+))?(/(?<database>[^/?]*))?(\?(?<parameters>.*))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
