using System.Globalization;
using System.Text.Json;

namespace ChatLogger.Bench.Chaos;

/// <summary>
/// Workers of exports are killed at 5, 50 and 99 % of the file, and one is frozen for longer than its lease; others finish, and each file
/// is complete. Writers do not notice.
/// </summary>
internal sealed class WorkerKilled() : Fault("export")
{
    private static readonly TimeSpan CompletionTimeout = TimeSpan.FromSeconds(90);

    private const int More = 800;

    private readonly List<string> told = [];
    private long chats;
    private long messages;

    public override bool FailsNobody => true;

    public override bool LeavesService => false;

    public override bool IsShort => false;

    public override double Lasts => 0;

    public override async Task Begin(TestEnvironment site)
    {
        // The instance that serves does not work on exports, so that killing a worker disturbs no caller.
        await Replace(site, ("Exports__Workers", "0"));
        using var neighbour = await SecondTenant.Of(site);
        // Slow enough to kill it while it works.
        await site.Postgres.Execute($"""
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select c.org_id, c.id, gen_random_uuid(), 'user', repeat(md5(random()::text), 6), now()
            from chats c, generate_series(1, {More}) n
            where c.org_id = (select id from organizations where slug = '{SecondTenant.Slug}')
            """);
        (chats, messages) = (await Count(site, "chats"), await Count(site, "messages"));
        foreach (var percent in new[] { 5, 50, 99 })
            await Interrupt(site, neighbour, percent, worker => worker.Kill());
        await Interrupt(site, neighbour, 30, worker =>
        {
            worker.Freeze(true);
            return Task.CompletedTask;
        });
        await Replace(site);
    }

    public override Task<string> End(TestEnvironment site) => Task.FromResult(string.Join(", ", told));

    private static Task<long> Count(TestEnvironment site, string table) =>
        site.Postgres.Count(
            $"select count(*) from {table} where org_id = (select id from organizations where slug = '{SecondTenant.Slug}')");

    private static async Task Replace(TestEnvironment site, params (string Name, string Value)[] and)
    {
        var (old, next) = (site.Service, await site.Launch(and));
        site.Serves(next);
        await old.Terminate(TimeSpan.FromSeconds(30));
        await old.DisposeAsync();
    }

    private async Task Interrupt(TestEnvironment site, SecondTenant neighbour, int percent, Func<Instance, Task> interrupt)
    {
        var first = await site.Launch(("Exports__Heartbeat", "00:00:00.05"));
        await using var _ = first;
        using var asked = await neighbour.Send(HttpMethod.Post, "exports/orgs/me", new { format = "jsonl" });
        var path = asked.Headers.Location?.OriginalString.TrimStart('/');
        if (path is null)
        {
            Broken.Add(string.Create(CultureInfo.InvariantCulture, $"the export was answered with {(int)asked.StatusCode}"));
            return;
        }
        var id = path.Split('/')[^1];
        long rows;
        do
        {
            rows = await site.Postgres.Count(
                $"select case when state = 'done' then -1 else rows * 100 / coalesce(nullif(total_rows, 0), {chats}) end from exports "
                    + $"where id = '{id}'");
        } while (rows >= 0 && rows < percent);
        await interrupt(first);

        await using var second = await site.Launch();
        var since = TimeProvider.System.GetTimestamp();
        while (
            await site.Postgres.Count($"select count(*) from exports where id = '{id}' and state in ('queued', 'running')") > 0
            && TimeProvider.System.GetElapsedTime(since) < CompletionTimeout)
            await Task.Delay(100);
        told.Add(
            string.Create(
                CultureInfo.InvariantCulture,
                $"at {(rows < 0 ? "the end" : $"{rows} %")}: done after {TimeProvider.System.GetElapsedTime(since).TotalSeconds:0.0} s"));
        if (!first.HasEnded)
        {
            // It wakes up, acts as if it still held the lease, and must not succeed.
            first.Freeze(false);
            await Task.Delay(TimeSpan.FromSeconds(3));
        }
        using var file = await neighbour.Send(HttpMethod.Get, path);
        if ((int)file.StatusCode != 200)
        {
            Broken.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the export interrupted at {percent} % is answered with {(int)file.StatusCode}"));
            return;
        }
        var (exported, said) = (0L, 0L);
        foreach (var line in (await file.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var chat = JsonDocument.Parse(line);
            exported++;
            said += chat.RootElement.GetProperty("messages").GetArrayLength();
        }
        if ((exported, said) != (chats, messages))
            Broken.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the export interrupted at {percent} % has {exported} chats and {said} messages, of {chats} and {messages}"));
    }
}
