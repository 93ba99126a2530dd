using System.Diagnostics;
using System.Threading.Channels;
using ChatLogger.ChangeFeed;
using ChatLogger.Http;

namespace ChatLogger.LiveEvents;

/// <summary>
/// Distributes the committed changes of organizations to those who follow them. While there are streams, it asks for the greatest number
/// of each organization with a stream, and where that has moved, for the events, in one query for all of its streams. Nothing else
/// connects instances: each reads what all of them have written.
/// </summary>
internal sealed partial class LiveHub : BackgroundService
{
    /// <summary>A caller who missed more events than this reads everything anew.</summary>
    public const int MaxMissed = 1_000;

    // A right that has ended must end its streams within 5 s.
    private static readonly TimeSpan RightsInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, Feed> _feeds = [];
    private readonly Dictionary<Guid, int> _members = [];
    private readonly Channel<bool> _wanted = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly OrganizationLog _organizationLog;
    private readonly LiveQueries _queries;
    private readonly LiveSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private int _streams;
    private bool _stopping;
    private long _checked;

    public LiveHub(
        OrganizationLog organizationLog, LiveQueries queries, LiveSettings settings, TimeProvider time, IHostApplicationLifetime lifetime,
        ILogger<LiveHub> log)
    {
        (_organizationLog, _queries, _settings, _time, _log) = (organizationLog, queries, settings, time, log);
        _failures = new LogSampler(TimeSpan.FromSeconds(10), time);
        lifetime.ApplicationStopping.Register(Stop);
    }

    /// <summary>The number of open streams.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>
    /// Opens a stream, which the caller disposes. It begins with what follows <paramref name="lastEventId"/>, or without one with what is
    /// committed from now on.
    /// </summary>
    /// <exception cref="ProblemException">429: the member or the instance has too many streams; 503: the instance is stopping.</exception>
    public async Task<LiveStream> Open(LiveListener listener, string? lastEventId, CancellationToken ct)
    {
        Reserve(listener.UserId);
        var stream = new LiveStream(listener, Close);
        try
        {
            var start = Join(stream, await _organizationLog.HeadOf(listener.OrgId, ct));
            if (lastEventId is not null)
                await Resume(stream, lastEventId, start, ct);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (Streams == 0)
                    await _wanted.Reader.ReadAsync(stoppingToken);
                await CheckRights(stoppingToken);
                await Poll(stoppingToken);
                _failingSince = null;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
            }
            // Nothing is sent meanwhile, so nobody whose rights could not be checked is told anything.
            catch (Exception failure)
            {
                Failed(failure);
                EndAfterLongFailure();
            }
            await Task.Delay(_settings.PollInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Poll(CancellationToken ct)
    {
        List<Feed> feeds;
        lock (_lock)
            feeds = [.. _feeds.Values];
        if (feeds.Count == 0)
            return;
        foreach (var feed in feeds)
        {
            try
            {
                var committed = await _organizationLog.HeadOf(feed.OrgId, ct);
                if (feed.Position < committed)
                    await Distribute(feed, committed, ct);
            }
            // A failure in one organization must not block the others. The next round retries it.
            catch (Exception failure) when (!ct.IsCancellationRequested)
            {
                Failed(failure);
            }
        }
    }

    private async Task Distribute(Feed feed, long committed, CancellationToken ct)
    {
        var events = await _queries.Read(feed.OrgId, feed.Position, committed, LiveStream.MaxPending, ct);
        lock (_lock)
        {
            feed.Position = committed;
            foreach (var stream in feed.Streams)
            {
                if (events is null)
                    stream.Skip(committed);
                else
                    stream.Add(events, committed);
            }
        }
    }

    private async Task CheckRights(CancellationToken ct)
    {
        if (_checked != 0 && Stopwatch.GetElapsedTime(_checked) < RightsInterval)
            return;
        var streams = All();
        var since = Stopwatch.GetTimestamp();
        if (streams.Count > 0)
        {
            var live = await _queries.WithRights(streams.ConvertAll(stream => stream.Listener), ct);
            for (var i = 0; i < streams.Count; i++)
            {
                if (!live.Contains(i))
                    _ = streams[i].End();
            }
        }
        _checked = since;
    }

    private async Task Resume(LiveStream stream, string lastEventId, long start, CancellationToken ct)
    {
        var (orgId, after) = (stream.Listener.OrgId, LiveEventId.Read(stream.Listener.OrgId, lastEventId, _time.GetUtcNow()));
        // A number that is not committed yet comes from a database of which this one is an older copy.
        if (after is null || after > start)
            stream.Reset();
        else if (after < start)
        {
            if (await _queries.Read(orgId, after.Value, start, MaxMissed, ct) is { } missed)
                stream.Prepend(missed);
            else
                stream.Reset();
        }
    }

    private void Reserve(Guid userId)
    {
        lock (_lock)
        {
            if (_stopping)
                throw ProblemException.Stopping();
            var mine = _members.GetValueOrDefault(userId);
            if (mine >= _settings.StreamsPerMember)
                throw ProblemException.Throttled(
                    $"A member may have at most {_settings.StreamsPerMember} live streams. Close one first.", TimeSpan.FromSeconds(5));
            if (_streams >= _settings.Streams)
                throw ProblemException.Throttled(
                    "There are too many live streams. Try again shortly, or ask for the list meanwhile.", TimeSpan.FromSeconds(15));
            _members[userId] = mine + 1;
            _streams++;
        }
    }

    // Everything up to the returned number is not the poller's business any more.
    private long Join(LiveStream stream, long committed)
    {
        var orgId = stream.Listener.OrgId;
        lock (_lock)
        {
            if (_stopping)
                throw ProblemException.Stopping();
            if (!_feeds.TryGetValue(orgId, out var feed))
                _feeds.Add(orgId, feed = new Feed(orgId) { Position = committed });
            var start = Math.Max(committed, feed.Position);
            stream.Begin(start);
            feed.Streams.Add(stream);
            _wanted.Writer.TryWrite(true);
            return start;
        }
    }

    private void Close(LiveStream stream)
    {
        lock (_lock)
        {
            var listener = stream.Listener;
            if (_feeds.TryGetValue(listener.OrgId, out var feed) && feed.Streams.Remove(stream) && feed.Streams.Count == 0)
                _feeds.Remove(listener.OrgId);
            if (--_members[listener.UserId] == 0)
                _members.Remove(listener.UserId);
            _streams--;
        }
    }

    private void Stop()
    {
        lock (_lock)
            _stopping = true;
        EndAll();
    }

    private void EndAll() => All().ForEach(stream => _ = stream.End());

    private List<LiveStream> All()
    {
        lock (_lock)
            return [.. _feeds.Values.SelectMany(feed => feed.Streams)];
    }

    /// <summary>The streams of an organization, and the number up to which they have all events.</summary>
    private sealed class Feed(Guid orgId)
    {
        public Guid OrgId => orgId;

        public long Position { get; set; }

        public HashSet<LiveStream> Streams { get; } = [];
    }
}
