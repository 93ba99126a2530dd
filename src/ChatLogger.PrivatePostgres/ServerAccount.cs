using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace ChatLogger.PrivatePostgres;

/// <summary>
/// The account that runs PostgreSQL's programs: the current one, or an unprivileged one for root, because PostgreSQL refuses uid 0.
/// </summary>
/// <remarks>Name is null for the current account.</remarks>
internal sealed record ServerAccount(string? Name, uint Uid, uint Gid)
{
    public sealed record Result(int ExitCode, string Output);

    public static bool IsRoot => !OperatingSystem.IsWindows() && Posix.EffectiveUser == 0;

    /// <param name="owner">The owner of the existing cluster: if root finds another account's data, the server runs under that
    /// account.</param>
    public static ServerAccount For(uint? owner)
    {
        if (OperatingSystem.IsWindows())
            return new(null, 0, 0);
        if (!IsRoot)
            return new(null, Posix.EffectiveUser, 0);
        var accounts = Known().ToList();
        return (owner is > 0 ? accounts.Find(account => account.Uid == owner) : null)
            ?? accounts.Find(account => account.Name == "postgres")
            ?? accounts.Find(account => account.Name == "nobody")
            ?? throw new PrivateDatabaseException(
                "PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody to run it as. "
                + "Start Chat Logger as an ordinary user, or set ConnectionStrings__ChatLogger.");
    }

    public override string ToString() => Name ?? Environment.UserName;

    public void TakeOwnership(string path)
    {
        if (!OperatingSystem.IsWindows() && Name is not null)
            Posix.ChangeOwner(path, Uid, Gid);
    }

    public async Task TakeOwnershipOfAll(string directory)
    {
        if (Name is null)
            return;
        var self = new ServerAccount(null, 0, 0);
        var result = await self.Run("chown", ["-hR", $"{Uid}:{Gid}", directory]);
        if (result.ExitCode != 0)
            throw new PrivateDatabaseException(
                $"{directory} cannot be given to the user {Name}, who is to run PostgreSQL:\n{result.Output}");
    }

    /// <summary>Whether this account may enter the directory. Only an actual attempt accounts for ACLs and mounts too.</summary>
    public async Task<bool> CanEnter(string directory) =>
        Name is null || (await Run("/bin/sh", ["-c", "cd -- \"$1\"", "sh", directory])).ExitCode == 0;

    public async Task<Result> Run(string program, IEnumerable<string> arguments, string input = "", CancellationToken ct = default)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // A directory that every account can enter: the current one may be closed to this account.
            WorkingDirectory = OperatingSystem.IsWindows() ? Environment.SystemDirectory : "/",
        };
        CleanEnvironment(start.Environment);
        if (Name is not null && !OperatingSystem.IsWindows())
            start.UserName = Name;

        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception failure)
        {
            throw new PrivateDatabaseException($"{program} cannot be run as the user {this}: {failure.Message}");
        }
        using var cancelled = ct.Register(() => process.Kill(entireProcessTree: true));
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program ended without reading its input; its exit code says more.
        }
        await process.WaitForExitAsync(CancellationToken.None);
        ct.ThrowIfCancellationRequested();
        return new(process.ExitCode, (await output + await error).Trim());
    }

    // PG* variables would redirect the programs, and the server must not see the secrets in our environment.
    private static void CleanEnvironment(IDictionary<string, string?> environment)
    {
        foreach (var name in environment.Keys.ToList())
        {
            var kept = OperatingSystem.IsWindows()
                ? !name.StartsWith("PG", StringComparison.OrdinalIgnoreCase)
                : name is "PATH" or "LD_LIBRARY_PATH" or "DYLD_LIBRARY_PATH";
            if (!kept)
                environment.Remove(name);
        }
        environment["LC_ALL"] = "C";
    }

    private static IEnumerable<ServerAccount> Known()
    {
        foreach (var line in File.Exists("/etc/passwd") ? File.ReadLines("/etc/passwd") : [])
        {
            if (line.Split(':') is [var name, _, var uid, var gid, ..]
                && uint.TryParse(uid, CultureInfo.InvariantCulture, out var user)
                && uint.TryParse(gid, CultureInfo.InvariantCulture, out var group))
                yield return new(name, user, group);
        }
    }
}
