using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Ingest;
using ChatLogger.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NSubstitute;

namespace ChatLogger.Tests.Contracts;

// Rows that one transaction writes, or none.
public partial class GroupCommitTests
{
    private static readonly PostgresException Busy = new("busy", "ERROR", "ERROR", PostgresErrorCodes.LockNotAvailable);

    private static readonly PostgresException Refused = new("no", "ERROR", "ERROR", PostgresErrorCodes.CheckViolation);

    private static readonly NpgsqlException Cut = new("cut", new IOException());

    [Fact]
    public async Task A_transaction_takes_rows_that_belong_together_although_they_are_more_than_it_has_room_for()
    {
        var calls = new RecordedCalls((_, _) => WriteStatus.Written);
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = Commit(calls, db, new IngestSettings { FlushRows = 2, FlushBytes = 1 });

        var outcomes = await WriteRuns(commit, calls, [Run(3), Run(5), Run(1)]);

        Assert.All(outcomes, outcome => Assert.Equal(new WriteOutcome(WriteStatus.Written, null), outcome));
        Assert.Equal([3, 5, 1], calls.All.Select(rows => rows.Count));
    }

    [Theory]
    [InlineData("locked")]
    [InlineData("busy")]
    [InlineData("refused")]
    [InlineData("cut")]
    public async Task Rows_that_belong_together_are_written_together_again(string trouble)
    {
        var runs = new[] { Run(1), Run(2), Run(3), Run(4) };
        var calls = new RecordedCalls((call, rows) => (trouble, call) switch
        {
            ("locked", 1) => WriteStatus.Locked,
            ("cut", 1) => throw Cut,
            // Somebody has locked what one of the rows needs.
            ("busy", _) when rows.Contains(runs[2][1]) && call < 9 => throw Busy,
            ("refused", _) when rows.Contains(runs[2][1]) => throw Refused,
            _ => WriteStatus.Written,
        });
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = Commit(calls, db, new IngestSettings());

        var outcomes = await WriteRuns(commit, calls, runs);

        foreach (var (run, rows) in calls.All.SelectMany(_ => runs, (rows, run) => (run, rows)))
            Assert.Contains(run.Count(rows.Contains), new[] { 0, run.Count });
        Assert.True(calls.All.Count > 1);
        var refused = trouble == "refused" ? runs[2] : [];
        foreach (var (row, outcome) in runs.SelectMany(run => run).Zip(outcomes))
            Assert.Equal(refused.Contains(row), (outcome.Error as ProblemException)?.Type == ProblemType.Validation);
        Assert.Equal(10 - refused.Count, outcomes.Count(outcome => outcome is { Status: WriteStatus.Written, Error: null }));
    }

    [Fact]
    public async Task Rows_that_belong_together_are_abandoned_together()
    {
        var calls = new RecordedCalls((_, _) => WriteStatus.Written);
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = Commit(calls, db, new IngestSettings());
        using var cancel = new CancellationTokenSource();

        var outcomes = await WriteRuns(commit, calls, [Run(4)], cancel);

        Assert.All(outcomes, outcome => Assert.IsType<WaitTimeoutException>(outcome.Error));
        Assert.Empty(calls.All);
    }

    [Fact]
    public async Task Rows_that_belong_together_are_parked_together()
    {
        var calls = new RecordedCalls((call, _) => call == 1 ? WriteStatus.Locked : WriteStatus.Written);
        await using var db = NpgsqlDataSource.Create("Host=nowhere");
        await using var commit = Commit(calls, db, new IngestSettings { QueueRows = 4, MaxParkedShare = 0.5 });

        // Two rows may be parked; the second write begins below that.
        var outcomes = await WriteRuns(commit, calls, [Run(1), Run(3), Run(2)]);

        Assert.Equal([6, 4], calls.All.Select(rows => rows.Count));
        Assert.All(outcomes[..4], outcome => Assert.Equal(WriteStatus.Written, outcome.Status));
        Assert.All(outcomes[4..], outcome => Assert.Equal(ProblemType.Unavailable, Assert.IsType<ProblemException>(outcome.Error).Type));
    }

    [Fact]
    public async Task The_messages_of_a_run_are_written_in_one_transaction()
    {
        var acme = await app.Org("acme");
        var chat = Guid.Parse(await acme.Chat());
        var settings = new IngestSettings { FlushRows = 1 };
        await using var writer = ActivatorUtilities.CreateInstance<BatchWriter>(
            app.Services, ActivatorUtilities.CreateInstance<GroupCommitFactory>(app.Services, settings), settings);
        var run = Enumerable.Range(0, 3).Select(at => Message(at)).ToList();
        writer.Capacity.Reserve(run);

        var results = await writer.AppendRun(run, CancellationToken.None);

        Assert.Equal(run.Select(message => new BatchItemResult(message.Id, false, null)), results);
        Assert.Equal((3, 1), (await acme.Count("messages"), await app.Value<long>(
            "select count(distinct xmin::text) from messages where org_id = @Id", new { acme.Id })));

        NewMessage Message(int at)
        {
            var message = Anything();
            return new(
                acme.Id, message.Message with { ChatId = chat, CreatedAt = DateTimeOffset.UtcNow },
                new Idempotency($"{at}", new BodyHash(new byte[32])));
        }
    }

    private static readonly Guid OneOrganization = Guid.NewGuid();

    private static IReadOnlyList<IWrite> Run(int rows) =>
        [.. Enumerable.Range(0, rows).Select(_ => Anything() with { OrgId = OneOrganization })];

    private GroupCommit Commit(IWriteTransaction flush, NpgsqlDataSource db, IngestSettings settings) =>
        new(flush, db, settings, app.Services.GetRequiredService<Instruments>(), NullLogger.Instance, "batch");

    // All are queued while the writer waits for the database, so that the next transaction can take all of them.
    private static async Task<WriteOutcome[]> WriteRuns(
        GroupCommit commit, RecordedCalls calls, IReadOnlyList<IWrite>[] runs, CancellationTokenSource? cancel = null)
    {
        var (capacity, insert) = (new QueueCapacity(100, 1_000_000), Substitute.For<IBulkInsert>());
        var before = commit.Write(Anything(), insert, capacity, CancellationToken.None);
        await calls.FirstBegan;
        var (group, place) = (new PendingWriteGroup(runs.Sum(run => run.Count)), 0);
        foreach (var run in runs)
        {
            capacity.Reserve(run);
            commit.Write(run, insert, capacity, group, place);
            place += run.Count;
        }
        var written = group.WaitAsync(cancel?.Token ?? CancellationToken.None);
        await (cancel?.CancelAsync() ?? Task.CompletedTask);
        calls.EndFirst();
        Assert.Equal(WriteStatus.Written, await before);
        var outcomes = await written;
        await commit.DisposeAsync();
        Assert.Equal(0, capacity.Rows);
        return outcomes;
    }

    /// <summary>Answers each transaction after the first, which waits, and records its rows.</summary>
    private sealed class RecordedCalls(Func<int, IReadOnlyList<IWrite>, WriteStatus> answer) : IWriteTransaction
    {
        private readonly TaskCompletionSource _firstBegan = new();
        private readonly TaskCompletionSource<WriteStatus[]> _first = new();
        private readonly List<IReadOnlyList<IWrite>> _calls = [];

        public Task FirstBegan => _firstBegan.Task;

        public IReadOnlyList<IReadOnlyList<IWrite>> All
        {
            get
            {
                lock (_calls)
                    return [.. _calls];
            }
        }

        public void EndFirst() => _first.SetResult([WriteStatus.Written]);

        public Task<WriteStatus[]> Run(IReadOnlyList<(IBulkInsert Insert, IWrite Write)> writes, bool wait)
        {
            if (_firstBegan.TrySetResult())
                return _first.Task;
            IReadOnlyList<IWrite> rows = [.. writes.Select(each => each.Write)];
            int call;
            lock (_calls)
            {
                _calls.Add(rows);
                call = _calls.Count;
            }
            try
            {
                var status = answer(call, rows);
                return Task.FromResult(rows.Select(_ => status).ToArray());
            }
            catch (Exception failure)
            {
                return Task.FromException<WriteStatus[]>(failure);
            }
        }
    }
}
