using ChatLogger.Ingest;
using ChatLogger.Tests.Support;
using Npgsql;

namespace ChatLogger.Tests.Contracts;

/// <summary>The statement with which a flush locks the logs of its organizations.</summary>
public class WriteTransactionTests(IdleApp app) : IClassFixture<IdleApp>
{
    /// <summary>
    /// If the planner ran the locking query twice, once for the answer and once for what the inserts go by, a lock that became free in
    /// between would be reported as taken, and rows that are written would be written again and refused.
    /// </summary>
    [SingleServerFact]
    public async Task It_locks_once_for_the_answer_and_for_the_inserts()
    {
        var acme = await app.Org("acme");
        await using var connection = await app.Rows.OpenConnectionAsync();
        foreach (var statement in new[] { WriteTransaction.Lock, WriteTransaction.LockFree })
        {
            await using var explain = new NpgsqlCommand($"explain {statement}", connection);
            explain.Parameters.Add(new() { Value = new[] { acme.Id } });
            await using var plan = await explain.ExecuteReaderAsync();
            var locks = 0;
            while (await plan.ReadAsync())
                locks += plan.GetString(0).Contains("LockRows", StringComparison.Ordinal) ? 1 : 0;
            Assert.Equal(1, locks);
        }
    }
}
