using System.Globalization;
using Npgsql;

namespace ChatLogger.Bench.Chaos;

/// <summary>An operator, or a pooler, ends all connections of the service, and again after a while.</summary>
internal sealed class BackendsTerminated() : Fault("terminate")
{
    public override int Rounds => 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource enough = new();
    private Task<long> terminating = Task.FromResult(0L);

    public override Task Begin(TestEnvironment site)
    {
        terminating = Terminate(site);
        return Task.CompletedTask;
    }

    public override async Task<string> End(TestEnvironment site)
    {
        enough.SetResult();
        var ended = await terminating;
        return string.Create(CultureInfo.InvariantCulture, $"{ended} connections ended");
    }

    private async Task<long> Terminate(TestEnvironment site)
    {
        await using var connection = await site.Postgres.Connect();
        await using var command = new NpgsqlCommand(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and application_name = "
                + "'chatlogger'",
            connection);
        long ended = 0;
        while (!enough.Task.IsCompleted)
        {
            ended += (long)(await command.ExecuteScalarAsync())!;
            await Task.WhenAny(enough.Task, Task.Delay(Pause));
        }
        return ended;
    }
}
