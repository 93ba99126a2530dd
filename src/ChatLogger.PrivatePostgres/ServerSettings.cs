using System.Globalization;

namespace ChatLogger.PrivatePostgres;

/// <summary>The settings that the private server is started with, instead of editing postgresql.conf.</summary>
internal static class ServerSettings
{
    /// <summary>Returns the settings as the options that pg_ctl passes to the server.</summary>
    public static string CommandLine(string sockets, PrivateDatabaseOptions options) =>
        string.Join(' ', For(sockets, options).Select(setting => $"-c {Quote($"{setting.Key}={setting.Value}")}"));

    private static Dictionary<string, string> For(string sockets, PrivateDatabaseOptions options)
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "",
            ["port"] = SocketDirectory.Port.ToString(CultureInfo.InvariantCulture),
            ["unix_socket_directories"] = sockets,
            ["unix_socket_permissions"] = "0700",
            ["cluster_name"] = PostgresCluster.Name,
            ["timezone"] = "UTC",
            ["log_timezone"] = "UTC",
            // JIT compilation costs more than our statements take.
            ["jit"] = "off",
            // Keeps user data out of the log: no statements, no details with the offending values.
            ["log_min_error_statement"] = "panic",
            ["log_error_verbosity"] = "terse",
            ["log_checkpoints"] = "off",
            ["max_connections"] = "100",
            ["shared_buffers"] = "128MB",
        };
        if (options.Throwaway)
        {
            settings["fsync"] = "off";
            settings["synchronous_commit"] = "off";
            settings["full_page_writes"] = "off";
            settings["max_connections"] = "300";
        }
        foreach (var (name, value) in options.Settings)
            settings[name] = value;
        return settings;
    }

    private static string Quote(string argument) =>
        OperatingSystem.IsWindows() ? $"\"{argument}\"" : $"'{argument.Replace("'", "'\\''")}'";
}
