using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>Forgets Idempotency-Keys whose time is over: for all organizations, in small pieces, past what others are at.</summary>
internal sealed class KeySweep(NpgsqlDataSource db, WritingSettings settings, TimeProvider time)
{
    private const int Organizations = 100, Keys = 500;

    public async Task Run(CancellationToken ct)
    {
        var last = Guid.Empty;
        while (await Next(last, ct) is { Count: > 0 } orgs)
        {
            foreach (var org in orgs)
            {
                while (await Forget(org, ct) == Keys)
                {
                }
            }
            last = orgs[^1];
        }
    }

    private Task<IReadOnlyList<Guid>> Next(Guid after, CancellationToken ct) =>
        db.QueryAsync<Guid>(
            """
            select o.id
            from organizations o
            where o.id > @After
              and exists (select from idempotency_keys k where k.org_id = o.id and k.created_at <= @Forgotten)
            order by o.id
            limit @Organizations
            """,
            new { After = after, Forgotten = Forgotten(), Organizations },
            ct);

    private Task<int> Forget(Guid orgId, CancellationToken ct) =>
        db.ExecuteAsync(
            """
            delete from idempotency_keys
            where org_id = @OrgId
              and (route, parent_id, key) in (
                  select route, parent_id, key
                  from idempotency_keys
                  where org_id = @OrgId
                    and created_at <= @Forgotten
                  order by created_at
                  limit @Keys
                  for update skip locked
              )
              and created_at <= @Forgotten
            """,
            new { OrgId = orgId, Forgotten = Forgotten(), Keys },
            ct);

    private DateTimeOffset Forgotten() => time.GetUtcNow() - settings.KeepKeysFor;
}

/// <summary>Runs <see cref="KeySweep"/> now and then. Several instances may do so at once.</summary>
internal sealed partial class KeySweeper(KeySweep sweep, WritingSettings settings, ILogger<KeySweeper> log) : Sweeper(settings.Sweep)
{
    public override Task Run(CancellationToken ct) => sweep.Run(ct);

    protected override void Failed(Exception failure) => CannotSweep(log, failure.GetType().Name);

    [LoggerMessage(LogLevel.Warning, "Idempotency keys whose time is over could not be swept: {Exception}")]
    private static partial void CannotSweep(ILogger log, string exception);
}
