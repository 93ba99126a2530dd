using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Configuration;
using ChatLogger.PrivatePostgres;

namespace ChatLogger.Auth;

/// <summary>How sessions are signed and how long they live. Section <c>Session</c>.</summary>
internal sealed record SessionSettings
{
    public const string Section = "Session";

    private const int MinSecretBytes = 32;

    /// <summary>
    /// Signs session tokens (HS256); at least 32 bytes. Required in Production; generated and kept in the data directory in Development.
    /// </summary>
    public string? Secret { get; init; }

    /// <summary>A file that holds the secret, instead of <see cref="Secret"/>.</summary>
    public string? SecretFile { get; init; }

    /// <summary>The secret before the last rotation: still accepted, no longer used to sign.</summary>
    public string? PreviousSecret { get; init; }

    /// <summary>A file that holds the previous secret.</summary>
    public string? PreviousSecretFile { get; init; }

    /// <summary>How long a session lives after its login. The default and the maximum are 12 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "12:00:00")]
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>The secrets to sign and verify with, the current one first.</summary>
    /// <exception cref="StartupException">No secret, or one that is too short.</exception>
    public IReadOnlyList<byte[]> Secrets(bool mayGenerate, string dataDirectory)
    {
        var current = SecretText.Read("Session__Secret", Secret, SecretFile);
        if (current is null && mayGenerate)
            current = Generated(dataDirectory);
        if (current is null)
            throw new StartupException(
                $"Session__Secret (or Session__SecretFile) is missing: at least {MinSecretBytes} random bytes, for instance from: "
                    + "openssl rand -base64 48"
            );
        var previous = SecretText.Read("Session__PreviousSecret", PreviousSecret, PreviousSecretFile);
        return previous is null
            ? [Strong("Session__Secret", current)]
            : [Strong("Session__Secret", current), Strong("Session__PreviousSecret", previous)];
    }

    private static byte[] Strong(string setting, string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        return bytes.Length >= MinSecretBytes
            ? bytes
            : throw new StartupException($"{setting} is too short: {bytes.Length} bytes, at least {MinSecretBytes} are needed.");
    }

    private static string Generated(string dataDirectory)
    {
        var file = Path.Combine(dataDirectory, "session.secret");
        try
        {
            DataDirectory.Create(dataDirectory);
            if (!File.Exists(file))
            {
                // The file appears completely or not at all, and of two processes that create it the first wins.
                var mine = $"{file}.{Environment.ProcessId}";
                var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
                if (!OperatingSystem.IsWindows())
                    options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                using (var stream = new FileStream(mine, options))
                    stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(48))));
                try
                {
                    File.Move(mine, file, overwrite: false);
                }
                catch (IOException) when (File.Exists(file))
                {
                    File.Delete(mine);
                }
            }
            return File.ReadAllText(file).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartupException(
                $"The signing secret of sessions cannot be kept in {dataDirectory} ({exception.Message}). "
                    + "Set DataDirectory to a directory that can be written, or set Session__Secret."
            );
        }
    }
}
