using System.Globalization;

namespace ChatLogger.PrivatePostgres;

/// <summary>
/// Looks up other processes in /proc. PostgreSQL itself only checks whether a process with the pid exists, and so mistakes a zombie (in a
/// container nobody may reap it) or an unrelated process that reused the pid for a server.
/// </summary>
internal static class ProcessTable
{
    public sealed record ProcessInfo(string Name, char State, ulong BirthTick)
    {
        public bool IsAlive => State is not ('Z' or 'X');
    }

    public static bool CanSee => OperatingSystem.IsLinux() && Directory.Exists("/proc/self");

    public static ProcessInfo? Find(int pid)
    {
        try
        {
            if (pid <= 0 || !CanSee)
                return null;
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            // Format: 15 (name, perhaps with ") ") S 1 … : the state is field 3, the start time field 22.
            var name = stat[(stat.IndexOf('(') + 1)..stat.LastIndexOf(')')];
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new(name, fields[0][0], ulong.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static bool IsIn(int pid, string directory, ServerAccount account) =>
        OperatingSystem.IsLinux()
        && Posix.As(
            account.Uid,
            account.Gid,
            () =>
                Posix.Stat($"/proc/{pid}/cwd", follow: true) is { } theirs
                && Posix.Stat(directory, follow: true) is { } ours
                && theirs.IsSameAs(ours));

    /// <summary>
    /// Returns every live PostgreSQL process whose working directory this is, but no other program, such as a shell left there.
    /// </summary>
    public static List<int> PostgresIn(string directory, ServerAccount account)
    {
        var found = new List<int>();
        foreach (var entry in CanSee ? Directory.EnumerateDirectories("/proc") : [])
        {
            if (int.TryParse(Path.GetFileName(entry), CultureInfo.InvariantCulture, out var pid)
                && Find(pid) is { IsAlive: true, Name: "postgres" }
                && IsIn(pid, directory, account))
                found.Add(pid);
        }
        return found;
    }
}
