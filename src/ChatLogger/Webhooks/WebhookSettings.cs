using System.ComponentModel.DataAnnotations;
using System.Text;
using ChatLogger.Configuration;

namespace ChatLogger.Webhooks;

/// <summary>How webhooks are delivered. Section <c>Webhooks</c>.</summary>
internal sealed record WebhookSettings
{
    public const string Section = "Webhooks";

    private const int MinSecretBytes = 32;

    /// <summary>Encrypts the secrets of webhooks in the database; at least 32 bytes. Default: <c>Session__Secret</c>.</summary>
    public string? EncryptionSecret { get; init; }

    /// <summary>A file that holds the secret, instead of <see cref="EncryptionSecret"/>.</summary>
    public string? EncryptionSecretFile { get; init; }

    /// <summary>The secret before the last rotation: what it has encrypted is encrypted anew.</summary>
    public string? PreviousEncryptionSecret { get; init; }

    /// <summary>A file that holds the previous secret.</summary>
    public string? PreviousEncryptionSecretFile { get; init; }

    /// <summary>
    /// True lets webhooks call private, loopback and link-local addresses, any port, and http. For tests and for use within a network.
    /// </summary>
    public bool AllowPrivateTargets { get; init; }

    /// <summary>False: this instance leaves deliveries to others. Default true.</summary>
    public bool Deliver { get; init; } = true;

    /// <summary>Within which the whole answer to a delivery must arrive, 100 ms to 1 min. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For how long a delivery is retried, and after which a failing webhook is paused, 1 min to 7 days. Default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "7.00:00:00")]
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// For how long deliveries are kept; what is older is not told to a webhook that is resumed. 1 h to 30 days, default 7 days.
    /// </summary>
    [Range(typeof(TimeSpan), "01:00:00", "30.00:00:00")]
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Deliveries that a webhook gets at a time, each of another chat, 1 to 64. Default 8.</summary>
    [Range(1, 64)]
    public int Concurrency { get; init; } = 8;

    /// <summary>How often an instance looks for what it has written itself, 10 ms to 1 min. Default 250 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often an instance looks for what is due, also of other instances, 10 ms to 1 h. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CatchUpInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the lease of a webhook lasts without being renewed, 300 ms to 10 min. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.300", "00:10:00")]
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often old deliveries, and those of deleted webhooks, are removed, 10 ms to 1 h. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan CleanupInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <exception cref="StartupException">A setting is out of its range, or two settings contradict each other.</exception>
    public static WebhookSettings Read(IConfiguration configuration)
    {
        var settings = Settings.Bind<WebhookSettings>(configuration, Section);
        // An attempt that begins just before the lease is renewed must end before it is over, or another instance would send the same.
        return settings.Timeout * 3 <= settings.Lease
            ? settings
            : throw new StartupException($"{Section}__Timeout must be at most a third of {Section}__Lease.");
    }

    /// <summary>The secrets to encrypt and decrypt with, the current one first; empty: none is set.</summary>
    /// <exception cref="StartupException">A secret is too short, or there is a previous one only.</exception>
    public IReadOnlyList<byte[]> EncryptionSecrets()
    {
        var current = SecretText.Read($"{Section}__EncryptionSecret", EncryptionSecret, EncryptionSecretFile);
        var previous = SecretText.Read($"{Section}__PreviousEncryptionSecret", PreviousEncryptionSecret, PreviousEncryptionSecretFile);
        if (current is null && previous is not null)
            throw new StartupException($"{Section}__PreviousEncryptionSecret is set without {Section}__EncryptionSecret.");
        return
        [
            .. new[] { (Name: "EncryptionSecret", Text: current), (Name: "PreviousEncryptionSecret", Text: previous) }
                .Where(secret => secret.Text is not null)
                .Select(secret => Strong($"{Section}__{secret.Name}", secret.Text!)),
        ];
    }

    private static byte[] Strong(string setting, string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        return bytes.Length >= MinSecretBytes
            ? bytes
            : throw new StartupException($"{setting} is too short: {bytes.Length} bytes, at least {MinSecretBytes} are needed.");
    }
}
