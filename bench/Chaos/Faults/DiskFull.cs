using System.Diagnostics;
using System.Globalization;
using ChatLogger.PrivatePostgres;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// The messages are on a small disk of their own, and the drill fills it to the last byte. (A full disk under PostgreSQL's own log is
/// another fault: it ends PostgreSQL, as <c>postgres</c> does, and only free space brings it back.)
/// </summary>
internal sealed class DiskFull() : Fault("disk")
{
    private string disk = "";

    private string Ballast => Path.Combine(disk, "ballast");

    public override bool IsShort => false;

    public override string? Missing => ServerAccount.IsRoot ? null : "a small disk is mounted, which only root may do";

    public override async Task Begin(TestEnvironment site)
    {
        disk = Path.Combine(site.Directory, "disk");
        Directory.CreateDirectory(disk);
        await Run("mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", disk);
        var space = Path.Combine(disk, "space");
        Directory.CreateDirectory(space);
        site.Postgres.Own(space);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(disk, File.GetUnixFileMode(space) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        await site.Postgres.Execute($"create tablespace small location '{space}'");
        await Move(site, "small");
        await using var ballast = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1 << 20];
        try
        {
            // Fill the last bytes too: other writes also use space in the meantime.
            for (var size = block.Length; size >= 512;)
            {
                try
                {
                    await ballast.WriteAsync(block.AsMemory(0, size));
                }
                catch (IOException)
                {
                    size /= 2;
                }
            }
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    public override async Task<string> End(TestEnvironment site)
    {
        var free = new DriveInfo(disk).AvailableFreeSpace;
        File.Delete(Ballast);
        await Move(site, "pg_default");
        await site.Postgres.Execute("checkpoint");
        await site.Postgres.Execute("drop tablespace small");
        // Lazily: sessions may still hold files that are deleted.
        await Run("umount", "--lazy", disk);
        return string.Create(CultureInfo.InvariantCulture, $"{free} bytes were free");
    }

    // Both servers run for a moment, while all requests wait.
    private static async Task Move(TestEnvironment site, string space) => await site.Postgres.Execute(
        $"alter table messages set tablespace {space}; alter index messages_pkey set tablespace {space}");

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new UsageException($"{program} failed: {said}");
    }
}
