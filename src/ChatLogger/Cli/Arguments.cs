using ChatLogger.Configuration;

namespace ChatLogger.Cli;

/// <summary>
/// Passes the arguments that are not a command's options to the configuration: <c>--urls …</c>, <c>--Section:Name=…</c>. It rejects
/// everything else as a typing error: if a misspelt <c>--expires</c> were ignored, the key would never expire.
/// </summary>
internal static class Arguments
{
    private static readonly string[] Plain =
    [
        "urls",
        "environment",
        "contentRoot",
        "applicationName",
        "PORT",
        "PathBase",
        "DataDirectory",
        "DATABASE_URL",
    ];

    /// <exception cref="StartupException">Names the argument.</exception>
    public static string[] ForConfiguration(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var pair = arguments[i].Split('=', 2);
            // The message omits the value, which may be a secret in the wrong place.
            if (!pair[0].StartsWith("--", StringComparison.Ordinal) || !IsSetting(pair[0][2..]))
                throw new StartupException(
                    $"{pair[0]} is not understood. --help tells what is; settings are given as --Section:Name=value.");
            if (pair.Length == 1 && ++i == arguments.Count)
                throw new StartupException($"{pair[0]} needs a value.");
        }
        return [.. arguments];
    }

    private static bool IsSetting(string key) =>
        key.Contains(':', StringComparison.Ordinal) || Plain.Contains(key, StringComparer.OrdinalIgnoreCase);
}
