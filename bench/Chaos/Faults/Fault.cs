namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Something that goes wrong: it begins, lasts, and is put right again. The drill does the rest. Another one is another file and a line in
/// <see cref="All"/>.
/// </summary>
internal abstract class Fault(string name)
{
    public static readonly IReadOnlyList<Func<Fault>> All =
    [
        () => new ServiceKilled(), () => new PostgresKilled(), () => new BackendsTerminated(), () => new PluginsCutOff(), () => new DatabaseCutOff(),
        () => new SlowWritesCutOff(), () => new BothKilled(), () => new PostgresFrozen(), () => new MessagesLocked(), () => new ColumnAdded(),
        () => new RowRefused(), () => new RolledOver(), () => new DiskFull(), () => new PoolerKilled(), () => new ClockAhead(), () => new EightStart(),
        () => new SlowClients(), () => new SlowReaders(), () => new Stopped(), () => new Overloaded(), () => new NeighbourNoisy(), () => new WorkerKilled(),
    ];

    public string Name => name;

    /// <summary>How long it lasts, as a share of what the drill gives a fault that lasts.</summary>
    public virtual double Lasts => 1;

    /// <summary>Whether nobody may notice: every request that can be accepted is, at the first attempt.</summary>
    public virtual bool FailsNobody => false;

    /// <summary>Whether what arrives is answered, too: nobody is left without knowing.</summary>
    public virtual bool AnswersAll => false;

    /// <summary>How often the full form tries it.</summary>
    public virtual int Rounds => 1;

    /// <summary>Whether the service is there all the time, and alive.</summary>
    public virtual bool LeavesService => true;

    /// <summary>Whether the tests try it, too.</summary>
    public virtual bool IsShort => true;

    /// <summary>Whether PgBouncer stands between service and PostgreSQL.</summary>
    public virtual bool NeedsPooler => false;

    /// <summary>Why it cannot be tried on this machine; null: it can.</summary>
    public virtual string? Missing => NeedsPooler ? Pooler.Missing : null;

    /// <summary>How promises were broken that are its own.</summary>
    public List<string> Broken { get; } = [];

    /// <summary>Whether it needs the relay between service and PostgreSQL.</summary>
    public virtual bool NeedsRelay => false;

    public abstract Task Begin(TestEnvironment site);

    /// <summary>For one that sends something itself.</summary>
    public virtual Task Begin(TestEnvironment site, Writers writers) => Begin(site);

    /// <summary>Puts it right; what it returns tells of it, or is empty.</summary>
    public abstract Task<string> End(TestEnvironment site);

    public static Fault Parse(string name) => All.Select(make => make()).FirstOrDefault(fault => fault.Name == name)
        ?? throw new UsageException($"There is no fault {Excerpt.Of(name)}: {string.Join(", ", All.Select(make => make().Name))}.");
}
