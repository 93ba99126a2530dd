using Npgsql;

namespace ChatLogger.Data;

/// <summary>The URL form of a connection (<c>postgres://user:password@host:5432/database?sslmode=require</c>), which Npgsql does not read.</summary>
internal static class DatabaseUrl
{
    /// <exception cref="StartRefused">The URL is malformed or has a parameter that is not known.</exception>
    public static string ToConnectionString(string setting, string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri))
            throw Malformed(setting);

        var builder = new NpgsqlConnectionStringBuilder();
        var user = uri.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
            builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length == 2)
            builder.Password = Uri.UnescapeDataString(user[1]);
        if (uri.Host.Length > 0)
            builder.Host = Uri.UnescapeDataString(uri.Host.Trim('[', ']'));
        if (uri.Port > 0)
            builder.Port = uri.Port;
        if (uri.AbsolutePath.Length > 1)
            builder.Database = Uri.UnescapeDataString(uri.AbsolutePath[1..]);

        foreach (var parameter in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = parameter.Split('=', 2);
            if (pair.Length != 2)
                throw Malformed(setting);
            var value = Uri.UnescapeDataString(pair[1]);
            try
            {
                // libpq's names, which are what such URLs are written with.
                switch (pair[0])
                {
                    case "sslmode":
                        builder.SslMode = Enum.Parse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
                        break;
                    case "host":
                        builder.Host = value;
                        break;
                    case "port":
                        builder.Port = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
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
                    case "channel_binding":
                        builder.ChannelBinding = Enum.Parse<ChannelBinding>(value, ignoreCase: true);
                        break;
                    default:
                        builder[pair[0]] = value;
                        break;
                }
            }
            catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException or KeyNotFoundException)
            {
                throw new StartRefused($"{setting} has a parameter that is not understood: {pair[0]}.");
            }
        }
        return builder.Host is null ? throw Malformed(setting) : builder.ConnectionString;
    }

    private static StartRefused Malformed(string setting) => new($"{setting} is not a URL such as postgres://user:password@host:5432/database");
}
