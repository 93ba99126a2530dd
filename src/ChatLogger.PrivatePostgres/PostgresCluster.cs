using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ChatLogger.PrivatePostgres;

/// <summary>The files of a private database: where they are, and which account they belong to.</summary>
internal sealed partial class PostgresCluster
{
    public const string Name = "chatlogger"; // The name of the role and of the database.

    private PostgresCluster(string directory, string nameHash, ServerAccount account, string tempDirectory)
    {
        (Directory, Account) = (directory, account);
        UsualSocketDirectory = SocketDirectory.Choose(tempDirectory, account.Uid, nameHash);
    }

    public string Directory { get; }

    public ServerAccount Account { get; }

    public string UsualSocketDirectory { get; }

    public string LogFile => Path.Combine(Directory, "server.log");

    /// <summary>The version of PostgreSQL that created the files; null if there are none.</summary>
    public int? Major => File.Exists(VersionFile) ? int.Parse(File.ReadAllText(VersionFile), CultureInfo.InvariantCulture) : null;

    /// <summary>The user id that owns the directory, where the system can tell.</summary>
    public uint? Owner => OwnerOf(Directory);

    private string VersionFile => Path.Combine(Directory, "PG_VERSION");

    /// <summary>
    /// Finds the cluster, or the directory for a new one. That is below the data directory, unless the service runs as root and the account
    /// that runs PostgreSQL cannot enter it (a home of mode 0700): then it is a system directory whose name derives from the data
    /// directory's, so that later starts find the same.
    /// </summary>
    public static async Task<PostgresCluster> Locate(PrivateDatabaseOptions options, ILogger logger)
    {
        var data = OperatingSystem.IsWindows() ? options.DataDirectory : Posix.RealPath(options.DataDirectory);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(data)));
        PostgresCluster At(string directory, ServerAccount account) => new(directory, hash, account, options.TempDirectory);

        var usual = Path.Combine(data, "database");
        var owner = OwnerOf(usual);
        var account = ServerAccount.For(owner);
        if (!ServerAccount.IsRoot)
        {
            if (owner is not null && owner != account.Uid && !OperatingSystem.IsWindows())
                throw new PrivateDatabaseException(
                    $"The database in {usual} belongs to another user (uid {owner}). "
                    + "Start Chat Logger as that user, or choose another data directory.");
            return At(usual, account);
        }

        var remote = Path.Combine(options.SystemDirectory, hash[..12], "database");
        if (File.Exists(Path.Combine(usual, "PG_VERSION")))
            return At(usual, account);
        if (!File.Exists(Path.Combine(remote, "PG_VERSION")) && await account.CanEnter(data))
            return At(usual, account);
        if (options.Throwaway)
            throw new PrivateDatabaseException($"{data} is closed to the user {account}, who runs PostgreSQL because root may not.");

        account = ServerAccount.For(OwnerOf(remote));
        LogElsewhere(logger, remote, account.Name ?? "of the server", data);
        return At(remote, account);
    }

    /// <summary>The caller must have stopped the server.</summary>
    public void Delete()
    {
        if (System.IO.Directory.Exists(Directory))
            System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static uint? OwnerOf(string directory)
    {
        if (OperatingSystem.IsLinux())
            return Posix.Stat(directory, follow: true)?.Uid;
        return null;
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "The private database is in {Directory}, because the user {Account}, who runs PostgreSQL for root, "
            + "cannot reach {DataDirectory}"
    )]
    private static partial void LogElsewhere(ILogger logger, string directory, string account, string dataDirectory);
}
