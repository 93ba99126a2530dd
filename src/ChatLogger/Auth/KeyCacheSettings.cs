using System.ComponentModel.DataAnnotations;
using ChatLogger.Configuration;

namespace ChatLogger.Auth;

/// <summary>
/// For how long a key is taken at its word before it is looked up again. Nothing here can be more than 4 s: what happens to a key holds on every
/// instance within 5. Section <c>KeyCache</c>.
/// </summary>
internal sealed record KeyCacheSettings
{
    public const string Section = "KeyCache";

    /// <summary>A key that was looked up is used without a second thought, 0 to 4 s. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:04")]
    public TimeSpan Fresh { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A key that is being looked up again, or cannot be, is used until then, 0 to 4 s. Default 4 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:04")]
    public TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>A key that nobody knew is refused without asking again, 0 to 4 s. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:04")]
    public TimeSpan Unknown { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Keys that are remembered at a time, 100 to 1,000,000; at most a fifth of them are unknown ones. Default 10,000.</summary>
    [Range(100, 1_000_000)]
    public int Entries { get; init; } = 10_000;

    /// <exception cref="StartupException">A setting is out of its range, or two do not go together.</exception>
    public static KeyCacheSettings Read(IConfiguration configuration)
    {
        var settings = Settings.Bind<KeyCacheSettings>(configuration, Section);
        return settings.Fresh <= settings.Longest
            ? settings
            : throw new StartupException($"{Section}__Fresh must be at most {Section}__Longest.");
    }
}
