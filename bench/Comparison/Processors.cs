using System.Globalization;

namespace ChatLogger.Bench.Comparison;

/// <summary>Who used the processors between two looks, in processors: 1.5 is one and a half of them all the time.</summary>
internal sealed record Shares(double Server, double Postgres, double Load, double Others, double Idle);

/// <summary>A sample of the times that Linux counts in /proc. Elsewhere there is none, and the output leaves out what needs it.</summary>
internal sealed class Processors
{
    // Of /proc, for programs: USER_HZ, which is 100 on every architecture that .NET runs on.
    private const double TicksPerSecond = 100;

    private readonly long server;
    private readonly long postgres;
    private readonly long load;
    private readonly long idle;
    private readonly long all;

    private Processors(int? server, int? postgres)
    {
        var times = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8)
            .Select(ticks => long.Parse(ticks, CultureInfo.InvariantCulture)).ToArray();
        (all, idle) = (times.Sum(), times[3] + times[4]);
        var processes = All();
        this.server = Tree(processes, server);
        this.postgres = Tree(processes, postgres);
        // wrk and pgbench have ended when one looks: their times are with those of the children that were waited for.
        load = processes.GetValueOrDefault(Environment.ProcessId)?.OfChildren ?? 0;
    }

    public static Processors? Look(int? server, int? postgres) => OperatingSystem.IsLinux() ? new Processors(server, postgres) : null;

    public Shares Since(Processors before)
    {
        var seconds = (all - before.all) / TicksPerSecond / Environment.ProcessorCount;
        double Share(long ticks) => seconds > 0 ? ticks / TicksPerSecond / seconds : 0;
        var (server, postgres, load) = (
            Share(this.server - before.server),
            Share(this.postgres - before.postgres),
            Share(this.load - before.load));
        var idle = Share(this.idle - before.idle);
        return new Shares(server, postgres, load, Math.Max(0, Environment.ProcessorCount - idle - server - postgres - load), idle);
    }

    /// <summary>Resident memory in bytes, or null if it cannot be told.</summary>
    public static long? Memory(int? pid)
    {
        try
        {
            return pid is null || !OperatingSystem.IsLinux()
                ? null
                : File.ReadLines($"/proc/{pid}/status")
                    .Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
                    .Select(line =>
                        long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024)
                    .Cast<long?>()
                    .FirstOrDefault();
        }
        catch (IOException)
        {
            return null;
        }
    }

    // A process, its living descendants, and the children it has waited for: PostgreSQL has a process for each connection.
    private static long Tree(Dictionary<int, ProcessTimes> processes, int? root)
    {
        if (root is not { } pid || !processes.TryGetValue(pid, out var first))
            return 0;
        var children = processes.ToLookup(process => process.Value.Parent, process => process.Key);
        long Own(int process) => processes[process].Own + children[process].Sum(Own);
        return Own(pid) + first.OfChildren;
    }

    private static Dictionary<int, ProcessTimes> All()
    {
        var processes = new Dictionary<int, ProcessTimes>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
                continue;
            try
            {
                processes[pid] = ProcessTimes.Read(File.ReadAllText($"{directory}/stat"));
            }
            catch (IOException)
            {
                // The process has ended in the meantime.
            }
        }
        return processes;
    }
}

/// <summary>Of /proc/PID/stat: the parent, and the ticks of the process and of its children that were waited for.</summary>
internal sealed record ProcessTimes(int Parent, long Own, long OfChildren)
{
    public static ProcessTimes Read(string stat)
    {
        // The name stands in parentheses and may hold any of them, and blanks.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        long Field(int number) => long.Parse(fields[number - 3], CultureInfo.InvariantCulture);
        return new ProcessTimes((int)Field(4), Field(14) + Field(15), Field(16) + Field(17));
    }
}
