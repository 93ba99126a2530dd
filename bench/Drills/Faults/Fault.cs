namespace ChatLogger.Bench.Drills;

/// <summary>
/// Something that goes wrong: it begins, lasts, and is put right again. The drill does the rest. Another one is another file and a line in
/// <see cref="All"/>.
/// </summary>
internal abstract class Fault(string name)
{
    public static readonly IReadOnlyList<Func<Fault>> All =
    [
        () => new ServiceKilled(), () => new PostgresKilled(), () => new BackendsTerminated(), () => new PluginsCutOff(), () => new DatabaseCutOff(),
    ];

    public string Name => name;

    /// <summary>How long it lasts, as a share of what the drill gives a fault that lasts.</summary>
    public virtual double Lasts => 1;

    /// <summary>Whether it needs the relay between service and PostgreSQL.</summary>
    public virtual bool NeedsRelay => false;

    public abstract Task Begin(Site site);

    /// <summary>Puts it right; what it returns tells of it, or is empty.</summary>
    public abstract Task<string> End(Site site);

    public static Fault Parse(string name) => All.Select(make => make()).FirstOrDefault(fault => fault.Name == name)
        ?? throw new UsageException($"There is no fault {Excerpt.Of(name)}: {string.Join(", ", All.Select(make => make().Name))}.");
}
