using System.ComponentModel;
using System.Diagnostics;

namespace ChatLogger.Tests.Support;

/// <summary>A PostgreSQL in a container of its own, for machines that have an engine and no binaries.</summary>
internal static class DockerPostgres
{
    /// <summary>Its connection string; null when there is no engine.</summary>
    public static async Task<string?> Start()
    {
        var name = $"chatlogger-tests-{Environment.ProcessId}";
        if (await Docker($"run --rm -d --name {name} -e POSTGRES_PASSWORD=test -p 127.0.0.1::5432 postgres:18 -c fsync=off -c max_connections=300") is null)
            return null;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Docker($"rm -f {name}").Wait();
        var address = (await Docker($"port {name} 5432"))?.Trim().Split(':');
        if (address is not [var host, var port])
            return null;
        for (var attempt = 0; attempt < 120 && await Docker($"exec {name} pg_isready -h 127.0.0.1 -U postgres") is null; attempt++)
            await Task.Delay(500);
        return $"Host={host};Port={port};Username=postgres;Password=test;Database=postgres";
    }

    private static async Task<string?> Docker(string arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("docker", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? output : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
