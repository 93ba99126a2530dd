using System.Globalization;

namespace ChatLogger.Data;

/// <summary>The contents of postmaster.pid, checked against the state of the system.</summary>
/// <remarks>BirthTick is the start time of the process, which tells it apart from a later process with the same pid.</remarks>
internal sealed record Postmaster(int Pid, string SocketDirectory, string Status, ulong BirthTick)
{
    public bool IsReady => Status is "ready" or "standby";

    public bool IsStopping => Status is "stopping";

    public static string FileOf(string cluster) => Path.Combine(cluster, "postmaster.pid");

    public static Postmaster? Read(string cluster)
    {
        try
        {
            // pid, data directory, start time, port, socket directory, listen address, shared memory, status; the file grows during the
            // start.
            var lines = File.ReadAllLines(FileOf(cluster));
            string Line(int number) => lines.Length >= number ? lines[number - 1].Trim() : "";
            _ = int.TryParse(Line(1), CultureInfo.InvariantCulture, out var pid);
            return new(pid, Line(5), Line(8), ProcessTable.Find(pid)?.BirthTick ?? 0);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}

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
