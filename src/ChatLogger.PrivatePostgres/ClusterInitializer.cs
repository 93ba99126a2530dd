using System.Security.Cryptography;

namespace ChatLogger.PrivatePostgres;

/// <summary>Creates the files of a private database. The caller must hold the start lock.</summary>
internal sealed class ClusterInitializer(PostgresCluster cluster, ClusterBinaries binaries, PrivateDatabaseOptions options)
{
    // Under the locale C, pg_trgm ignores letters beyond ASCII. The second name is for macOS, the third for Windows.
    private static readonly string[] Locales = ["C.UTF-8", "en_US.UTF-8", "en-US"];

    /// <summary>
    /// Creates the cluster with its role and database under a temporary name, and renames it when complete: a killed first start leaves no
    /// partial cluster.
    /// </summary>
    public async Task Create(CancellationToken ct)
    {
        var parent = Path.GetDirectoryName(cluster.Directory)!;
        DataDirectory.Create(parent);
        // A random name, because an orphaned initdb may still write to the previous one.
        var unfinished = $"{cluster.Directory}.new.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        try
        {
            MakeEmpty(cluster.Directory);
            Directory.CreateDirectory(unfinished);
            cluster.Account.TakeOwnership(unfinished);
            await Initialize(unfinished, ct);
            await CreateDatabase(unfinished, ct);
            if (!options.Throwaway)
                await Sync(unfinished, ct);
            Directory.Move(unfinished, cluster.Directory);
            if (!OperatingSystem.IsWindows())
                Posix.SyncDirectory(parent);
        }
        catch (Exception failure)
        {
            TryDelete(unfinished);
            if (failure is IOException or UnauthorizedAccessException)
                throw new PrivateDatabaseException($"The private database cannot be made in {parent}: {failure.Message}");
            throw;
        }
    }

    /// <summary>
    /// Removes the leftovers of killed first starts. <see cref="Create"/> must not do this, because an orphaned initdb goes on writing for
    /// a moment.
    /// </summary>
    public static void RemoveUnfinished(PostgresCluster cluster)
    {
        var (parent, name) = (Path.GetDirectoryName(cluster.Directory)!, Path.GetFileName(cluster.Directory));
        foreach (var unfinished in Directory.EnumerateDirectories(parent, name + ".new*"))
            TryDelete(unfinished);
    }

    private async Task Initialize(string directory, CancellationToken ct)
    {
        var failure = "";
        foreach (var locale in Locales)
        {
            List<string> arguments =
            [
                "-D", directory, "-U", PostgresCluster.Name, "--encoding=UTF8",
                // SocketDirectory explains why there is no password.
                "--auth=trust",
                // A single sync follows when everything is written.
                "--no-sync", "--no-instructions",
            ];
            // The builtin provider does not depend on the machine's locales, which npm's programs may not even find.
            arguments.AddRange(binaries.Value.Major >= 17
                ? ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
                : [$"--locale={locale}"]);
            var result = await cluster.Account.Run(binaries.Value.InitDb, arguments, ct: ct);
            if (result.ExitCode == 0)
                return;
            failure = result.Output;
            if (!failure.Contains("invalid locale", StringComparison.OrdinalIgnoreCase))
                break;
        }
        throw PrivateDatabaseException.WithOutput($"{binaries.Value.InitDb} could not make a database in {cluster.Directory}", failure);
    }

    // Single-user mode takes 0.1 s, and the database is complete before the directory gets its name.
    private async Task CreateDatabase(string directory, CancellationToken ct)
    {
        var made = await cluster.Account.Run(
            binaries.Value.Postgres, ["--single", "-F", "-D", directory, "postgres"], $"create database {PostgresCluster.Name}\n", ct);
        if (made.ExitCode != 0 || made.Output.Contains("ERROR:", StringComparison.Ordinal))
            throw PrivateDatabaseException.WithOutput($"The database could not be made in {cluster.Directory}", made.Output);
    }

    private async Task Sync(string directory, CancellationToken ct)
    {
        var synced = await cluster.Account.Run(binaries.Value.InitDb, ["--sync-only", "-D", directory], ct: ct);
        if (synced.ExitCode != 0)
            throw PrivateDatabaseException.WithOutput($"The database in {cluster.Directory} could not be written to disk", synced.Output);
    }

    private static void MakeEmpty(string directory)
    {
        if (!Directory.Exists(directory))
            return;
        if (Directory.EnumerateFileSystemEntries(directory).Any())
            throw new PrivateDatabaseException(
                $"{directory} is where the private database belongs, but something else is in it. Move it away.");
        Directory.Delete(directory);
    }

    private static void TryDelete(string directory)
    {
        try
        {
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The next start tries again.
        }
    }
}
