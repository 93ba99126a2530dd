using System.Globalization;

namespace ChatLogger.PrivatePostgres;

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
