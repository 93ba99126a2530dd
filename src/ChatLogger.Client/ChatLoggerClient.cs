using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ChatLogger.Client;

/// <summary>
/// Queues messages and sends them to the service in the background, each exactly once as far as the service acknowledges it, whatever
/// fails on the way. One client serves the whole process. Disposing sends what is queued, at most as long as
/// <see cref="ChatLoggerClientOptions.ShutdownTimeout"/>.
/// </summary>
public sealed class ChatLoggerClient : IAsyncDisposable
{
    private static readonly TimeSpan FullPause = TimeSpan.FromMilliseconds(10);

    private readonly ChatLoggerClientOptions _options;
    private readonly TimeProvider _time;
    private readonly Channel<Entry> _queue;
    private readonly Delivery _delivery;
    private readonly HttpClient? _ownHttp;
    private readonly CancellationTokenSource _abandon = new();
    private readonly EmbeddedFiles _files = new();
    private readonly Task _running;
    private Task? _disposing;

    /// <summary>Creates a client and starts its queue.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="http">Sends the requests; null: a client of its own. It is not disposed.</param>
    /// <param name="logger">Gets a warning for what fails; null: none.</param>
    /// <param name="time">The clock; null: the system's.</param>
    /// <exception cref="ArgumentException">A setting is missing or out of its range.</exception>
    public ChatLoggerClient(
        ChatLoggerClientOptions options, HttpClient? http = null, ILogger<ChatLoggerClient>? logger = null, TimeProvider? time = null)
        : this(options, http, null, logger, time)
    {
    }

    internal ChatLoggerClient(
        ChatLoggerClientOptions options, HttpClient? http, Func<HttpClient>? clients, ILogger<ChatLoggerClient>? logger, TimeProvider? time)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Problem() is { } problem)
            throw new ArgumentException(problem, nameof(options));
        _options = options;
        _time = time ?? TimeProvider.System;
        if (http is null && clients is null)
            http = _ownHttp = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        _delivery = new Delivery(options, clients ?? (() => http!), logger ?? NullLogger<ChatLoggerClient>.Instance, _time);
        _queue = Channel.CreateBounded<Entry>(
            new BoundedChannelOptions(options.MaxQueued) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, Dropped);
        _running = Task.Run(Run);
    }

    /// <summary>What became of the messages and ratings so far.</summary>
    public ChatLoggerCounts Counts => _delivery.Counts with { EmbeddedFiles = _files.Count };

    /// <summary>
    /// A chat of this name, which is made with its first message if there is none. Keep it as long as the conversation goes on here.
    /// </summary>
    /// <param name="externalId">1 to 200 characters; null or empty: a new chat.</param>
    /// <param name="fields">What is known of the chat, if it is new.</param>
    /// <returns>The chat.</returns>
    public ChatLoggerChat Chat(string? externalId = null, ChatLoggerChatFields? fields = null) => new(this, externalId, fields);

    /// <summary>Sends what is queued now, and waits until the service has acknowledged or refused all of it.</summary>
    /// <param name="ct">Ends the waiting, not the sending.</param>
    /// <returns>Whether that was so; false: the waiting was ended, or the client was disposed of before.</returns>
    public async Task<bool> FlushAsync(CancellationToken ct = default)
    {
        var barrier = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            // In a full queue the mark would take the place of a message.
            for (_delivery.Hurry(); _queue.Reader.Count >= _options.MaxQueued;)
                await Task.Delay(FullPause, _time, ct).ConfigureAwait(false);
            if (!_queue.Writer.TryWrite(new Entry(barrier)))
                return false;
            _delivery.Hurry();
            return await barrier.Task.WaitAsync(ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Sends what is queued, waits for that at most <see cref="ChatLoggerClientOptions.ShutdownTimeout"/>, and ends.</summary>
    /// <returns>When nothing is sent any more. What remained was dropped, and told.</returns>
    public ValueTask DisposeAsync() => new(_disposing ??= End());

    internal EmbeddedFiles Files => _files;

    internal void Log(ChatLoggerLoggedMessage logged, ChatLoggerMessage message)
    {
        try
        {
            var item = MessageItem.Of(logged, message, _files, _time.GetUtcNow());
            Add(new Entry(logged.Chat, logged, null, JsonSerializer.SerializeToUtf8Bytes(item, ItemsJson.Default.MessageItem)));
        }
        catch (Exception failure)
        {
            _delivery.Refuse($"The message cannot be written as JSON: {failure.Message}", null, null);
        }
    }

    internal void Rate(ChatLoggerChat chat, ChatLoggerLoggedMessage? message, ChatLoggerRating rating, string? comment) =>
        Add(new Entry(chat, message, new FeedbackItem(rating == ChatLoggerRating.Up ? "up" : "down", comment, _time.GetUtcNow()), null));

    private void Add(Entry entry)
    {
        _delivery.Enqueued();
        if (!_queue.Writer.TryWrite(entry))
            _delivery.Drop(entry, "The client is disposed of.", null);
    }

    private void Dropped(Entry entry)
    {
        if (entry.Barrier is { } barrier)
            barrier.TrySetResult(false);
        else
            _delivery.Drop(entry, "The queue is full.", null);
    }

    private async Task Run()
    {
        var reader = _queue.Reader;
        var batch = new List<Entry>();
        var barriers = new List<TaskCompletionSource<bool>>();
        while (await reader.WaitToReadAsync().ConfigureAwait(false))
        {
            await Collect(reader, batch, barriers).ConfigureAwait(false);
            await _delivery.Deliver(batch, _abandon.Token).ConfigureAwait(false);
            foreach (var barrier in barriers)
                barrier.TrySetResult(!_abandon.IsCancellationRequested);
            batch.Clear();
            barriers.Clear();
        }
    }

    /// <summary>Fills the batch until it is large enough, the interval has passed, or somebody waits.</summary>
    private async Task Collect(ChannelReader<Entry> reader, List<Entry> batch, List<TaskCompletionSource<bool>> barriers)
    {
        using var interval = new CancellationTokenSource(_options.FlushInterval, _time);
        var bytes = 0;
        while (true)
        {
            while (batch.Count < Delivery.MaxBatch && bytes < Delivery.MaxBatchBytes && reader.TryRead(out var entry))
            {
                if (entry.Barrier is { } barrier)
                    barriers.Add(barrier);
                else
                    batch.Add(entry);
                bytes += entry.Json?.Length ?? 0;
            }
            if (batch.Count >= Delivery.FlushCount || bytes >= Delivery.FlushBytes || barriers.Count > 0)
                return;
            try
            {
                if (!await reader.WaitToReadAsync(interval.Token).ConfigureAwait(false))
                    return;
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task End()
    {
        _queue.Writer.TryComplete();
        _delivery.Hurry();
        try
        {
            await _running.WaitAsync(_options.ShutdownTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await _abandon.CancelAsync().ConfigureAwait(false);
            await _running.ConfigureAwait(false);
        }
        _abandon.Dispose();
        _ownHttp?.Dispose();
    }
}
