namespace ChatLogger.Bench.Chaos;

/// <summary>
/// A fault begins, lasts, and is removed again. The drill does the rest. Each fault is a file and a line in
/// <see cref="All"/>.
/// </summary>
internal abstract class Fault(string name)
{
    public static readonly IReadOnlyList<Func<Fault>> All =
    [
        () => new ServiceKilled(),
        () => new PostgresKilled(),
        () => new BackendsTerminated(),
        () => new PluginsCutOff(),
        () => new DatabaseCutOff(),
        () => new SlowWritesCutOff(),
        () => new BothKilled(),
        () => new PostgresFrozen(),
        () => new MessagesLocked(),
        () => new ColumnAdded(),
        () => new RowRefused(),
        () => new RolledOver(),
        () => new DiskFull(),
        () => new PoolerKilled(),
        () => new ClockAhead(),
        () => new EightStart(),
        () => new SlowClients(),
        () => new SlowReaders(),
        () => new Stopped(),
        () => new ErasureCutOff(),
        () => new WebhooksCutOff(),
        () => new Overloaded(),
        () => new NeighbourNoisy(),
        () => new WorkerKilled(),
        () => new NodeKilled(),
        () => new CoordinatorKilled(),
        () => new ShardMoved(),
    ];

    public string Name => name;

    /// <summary>Its duration, as a share of what the drill gives a fault with a duration.</summary>
    public virtual double Lasts => 1;

    /// <summary>Whether no caller may notice: every acceptable request is accepted at the first attempt.</summary>
    public virtual bool FailsNobody => false;

    /// <summary>Whether every request that arrives must get a response, too.</summary>
    public virtual bool AnswersAll => false;

    /// <summary>How many rounds the full form runs.</summary>
    public virtual int Rounds => 1;

    /// <summary>Whether the service runs all the time, and is live.</summary>
    public virtual bool LeavesService => true;

    /// <summary>Whether the tests run it, too.</summary>
    public virtual bool IsShort => true;

    /// <summary>Whether PgBouncer is between service and PostgreSQL.</summary>
    public virtual bool NeedsPooler => false;

    /// <summary>Whether PostgreSQL is a Citus cluster.</summary>
    public virtual bool NeedsCluster => false;

    /// <summary>Why this machine cannot run it; null: it can.</summary>
    public virtual string? Missing => NeedsPooler ? Pooler.Missing : NeedsCluster ? CitusNodes.Missing : null;

    /// <summary>Violations of the promises of this fault alone.</summary>
    public List<string> Broken { get; } = [];

    /// <summary>Whether it needs the TCP proxy between service and PostgreSQL.</summary>
    public virtual bool NeedsRelay => false;

    public abstract Task Begin(TestEnvironment site);

    /// <summary>For a fault that sends requests itself.</summary>
    public virtual Task Begin(TestEnvironment site, Writers writers) => Begin(site);

    /// <summary>Removes the fault; returns a remark about it, or an empty text.</summary>
    public abstract Task<string> End(TestEnvironment site);

    public static Fault Parse(string name) => All.Select(make => make()).FirstOrDefault(fault => fault.Name == name)
        ?? throw new UsageException($"There is no fault {Excerpt.Of(name)}: {string.Join(", ", All.Select(make => make().Name))}.");
}
