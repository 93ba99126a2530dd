using ChatLogger.ChangeFeed;
using ChatLogger.LiveEvents;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ChatLogger.Tests.Features.Live;

/// <summary>What becomes of streams while the database is unreachable.</summary>
public sealed class LiveOutageTests(LiveApp app) : IClassFixture<LiveApp>
{
    [Fact]
    public async Task A_stream_outlives_a_short_failure_and_ends_after_ten_seconds_of_it()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("admin");
        var session = await app.Value<Guid>("select id from sessions where user_id = @Id", new { member.Id });
        var clock = new Clock();
        using var failures = new FailureCount();
        using var logs = LoggerFactory.Create(logging => logging.AddProvider(failures));
        var db = NpgsqlDataSource.Create(app.ConnectionString);
        using var hub = new LiveHub(
            new OrganizationLog(db), new LiveQueries(db, clock), new LiveSettings { PollInterval = TimeSpan.FromMilliseconds(50) }, clock,
            app.Services.GetRequiredService<IHostApplicationLifetime>(), logs.CreateLogger<LiveHub>());
        await hub.StartAsync(CancellationToken.None);
        using var stream = await hub.Open(new LiveListener(session, member.Id, "admin", acme.Id, null), null, CancellationToken.None);

        await db.DisposeAsync();
        await Wait.Until(() => failures.Seen >= 1);
        Assert.False(stream.Ended.IsCancellationRequested);
        clock.Advance(TimeSpan.FromSeconds(11));

        await Wait.Until(() => stream.Ended.IsCancellationRequested);
        await hub.StopAsync(CancellationToken.None);
    }

    private sealed class FailureCount : ILoggerProvider, ILogger
    {
        private int _seen;

        public int Seen => Volatile.Read(ref _seen);

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Warning)
                Interlocked.Increment(ref _seen);
        }

        public void Dispose()
        {
        }
    }
}
