namespace ChatLogger.PrivatePostgres;

/// <summary>The directory in which the service keeps its files, the private database among them.</summary>
public static class DataDirectory
{
    /// <summary>Root's directory must let PostgreSQL's account traverse to the cluster, which is itself closed to others.</summary>
    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Creates the missing directories of the path.</summary>
    public static void Create(string directory)
    {
        if (Directory.Exists(directory))
            return;
        if (Path.GetDirectoryName(directory) is { } parent)
            Create(parent);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
            return;
        }
        Directory.CreateDirectory(directory, Mode);
        // Root's umask must not deny PostgreSQL's account access.
        if (ServerAccount.IsRoot)
            File.SetUnixFileMode(directory, Mode);
    }

    /// <summary>Returns the full path of a directory that exists and in which PostgreSQL can work.</summary>
    internal static string Prepare(string directory)
    {
        directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        // pg_ctl puts the name between double quotes in a shell command.
        if (!OperatingSystem.IsWindows() && (directory.AsSpan().ContainsAny("\"$`\\") || directory.Any(char.IsControl)))
            throw new PrivateDatabaseException(
                $"PostgreSQL cannot work in {directory}: the name has a quote, a dollar sign, a backslash or a control character in it. "
                + "Choose another data directory.");
        try
        {
            Create(directory);
            return directory;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new PrivateDatabaseException($"The data directory {directory} cannot be used: {failure.Message}");
        }
    }
}
