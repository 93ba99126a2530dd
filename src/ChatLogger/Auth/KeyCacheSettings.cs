using System.ComponentModel.DataAnnotations;
using ChatLogger.Configuration;

namespace ChatLogger.Auth;

/// <summary>
/// How long a cached key is trusted before it is looked up again. No duration can exceed 4 s, so that a change to a key takes effect on
/// every instance within 5 s. Section <c>KeyCache</c>.
/// </summary>
internal sealed record KeyCacheSettings
{
    public const string Section = "KeyCache";

    /// <summary>How long a key is used without another look-up, 0 to 4 s. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:04")]
    public TimeSpan Fresh { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a key is used while its refresh is in flight or fails, 0 to 4 s. Default 4 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:04")]
    public TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How long an unknown key is refused without another look-up, 0 to 4 s. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:04")]
    public TimeSpan Unknown { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The maximum number of cached keys, 100 to 1,000,000; at most a fifth of them are unknown ones. Default 10,000.</summary>
    [Range(100, 1_000_000)]
    public int Entries { get; init; } = 10_000;

    /// <exception cref="StartupException">A setting is out of range, or two settings contradict each other.</exception>
    public static KeyCacheSettings Read(IConfiguration configuration)
    {
        var settings = Settings.Bind<KeyCacheSettings>(configuration, Section);
        return settings.Fresh <= settings.Longest
            ? settings
            : throw new StartupException($"{Section}__Fresh must be at most {Section}__Longest.");
    }
}
