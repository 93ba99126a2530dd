using System.Globalization;
using Npgsql;

namespace ChatLogger.Bench.Chaos;

/// <summary>The next version's migration repeatedly adds columns to the written tables, and no caller notices.</summary>
internal sealed class ColumnAdded() : Fault("column")
{
    private readonly TaskCompletionSource enough = new();
    private Task<int> adding = Task.FromResult(0);

    public override bool FailsNobody => true;

    public override Task Begin(TestEnvironment site)
    {
        adding = Add(site);
        return Task.CompletedTask;
    }

    public override async Task<string> End(TestEnvironment site)
    {
        enough.SetResult();
        var added = await adding;
        return string.Create(CultureInfo.InvariantCulture, $"{added} columns added and dropped");
    }

    private async Task<int> Add(TestEnvironment site)
    {
        var added = 0;
        while (!enough.Task.IsCompleted)
        {
            foreach (var table in new[] { "messages", "chats", "idempotency_keys", "api_keys" })
            {
                try
                {
                    // As a migration should: it asks for its lock only for a moment, and asks again.
                    await site.Postgres.Execute(
                        $"set lock_timeout = 50; alter table {table} add column drill_{added} text not null default 'x'");
                    await site.Postgres.Execute($"set lock_timeout = 5000; alter table {table} drop column drill_{added}");
                    added++;
                }
                catch (PostgresException busy) when (busy.SqlState == PostgresErrorCodes.LockNotAvailable)
                {
                    // A writer held the lock. The next round tries again.
                }
            }
            await Task.WhenAny(enough.Task, Task.Delay(100));
        }
        return added;
    }
}
