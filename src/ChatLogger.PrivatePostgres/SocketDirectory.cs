using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ChatLogger.PrivatePostgres;

/// <summary>
/// The directory of the server's socket. The server trusts every connection and opens no TCP port, which is safe only because no account
/// but the server's can enter this directory. Its parent is usually world-writable, so owner and mode are checked, and again after a change
/// of the owner.
/// </summary>
internal static partial class SocketDirectory
{
    public const int Port = 5432;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int MaxSocketPathBytes = 107; // sun_path, less its NUL

    public static string SocketIn(string directory) => Path.Combine(directory, $".s.PGSQL.{Port}");

    /// <summary>Returns a short name that is the same at every start: /tmp/chatlogger-1000-5f3a90c1.</summary>
    public static string Choose(string tempDirectory, uint uid, string nameHash)
    {
        var name = $"chatlogger-{uid}-{nameHash[..8]}";
        var chosen = Path.Combine(Path.GetFullPath(tempDirectory), name);
        if (OperatingSystem.IsWindows())
            return chosen;
        // The server parses the setting as a comma-separated list with quotes, so the name must not contain such characters.
        return Encoding.UTF8.GetByteCount(SocketIn(chosen)) <= MaxSocketPathBytes && Plain().IsMatch(chosen)
            ? chosen
            : Path.Combine("/tmp", name);
    }

    public static void Prepare(string directory, ServerAccount account)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
            return;
        }

        try
        {
            Directory.CreateDirectory(directory, OwnerOnly);
            if (!IsPrivate(directory, account))
                throw Refused(directory, account);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Refused(directory, account);
        }
    }

    /// <summary>Whether a live server, of whatever cluster, has its socket here.</summary>
    public static bool IsInUse(string directory)
    {
        try
        {
            return int.TryParse(File.ReadLines(LockIn(directory)).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid)
                && ProcessTable.Find(pid) is { IsAlive: true, Name: "postgres" };
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Removes the files of a killed server; the next server would trust the pid in them, as in postmaster.pid.</summary>
    public static void Clear(string directory)
    {
        File.Delete(LockIn(directory));
        File.Delete(SocketIn(directory));
    }

    private static string LockIn(string directory) => SocketIn(directory) + ".lock";

    private static bool IsPrivate(string directory, ServerAccount account)
    {
        if (OperatingSystem.IsLinux())
        {
            var found = Posix.Stat(directory, follow: false);
            if (found is { IsDirectory: true, Uid: 0, Permissions: (int)OwnerOnly } && account.Name is not null)
            {
                account.TakeOwnership(directory);
                found = Posix.Stat(directory, follow: false);
            }
            return found is { IsDirectory: true, Permissions: (int)OwnerOnly } && found.Value.Uid == account.Uid;
        }

        if (
            new DirectoryInfo(directory).LinkTarget is not null
            || !OperatingSystem.IsMacOS()
            || File.GetUnixFileMode(directory) != OwnerOnly)
            return false;
        account.TakeOwnership(directory);
        // Only the owner (or root) may do this.
        File.SetUnixFileMode(directory, OwnerOnly);
        return true;
    }

    private static PrivateDatabaseException Refused(string directory, ServerAccount account) =>
        new(
            $"{directory} is to hold the socket of the private database, "
                + $"but it is not a directory of the user {account} that is closed to all others (mode 0700). "
                + "Remove it, or set TMPDIR to a directory of your own.");

    [GeneratedRegex("^[A-Za-z0-9/._+-]*$")]
    private static partial Regex Plain();
}
