using System.Buffers;
using System.Data;
using ChatLogger.Data;
using ChatLogger.Http;
using ChatLogger.SearchIndex;
using Npgsql;

namespace ChatLogger.ExportJobs;

/// <inheritdoc/>
internal sealed class ExportWriter(
    [FromKeyedServices(Pools.Exports)] NpgsqlDataSource db,
    IEnumerable<IExportFormat> formats,
    ChatSearch search,
    Engine engine
) : IExportWriter
{
    // The output is passed to the sink once this much is buffered, in blocks of at most LargestBlock, because a single message may be
    // longer.
    private const int EnoughForABlock = 128 * 1024;
    private const int LargestBlock = 1024 * 1024;

    private readonly IExportFormat[] _formats = [.. formats];

    public async Task<long> Write(
        ExportRequest request,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink,
        Action<long, long> progress,
        Action<Guid> chat,
        CancellationToken ct)
    {
        var format = Format(request);
        await using var connection = await db.ConnectAsync(ct);
        // The first statement of the transaction takes the snapshot that all its other statements use.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var snapshot = new Sql.Transaction(connection, transaction, [], ct);
        var values = await SetUp(snapshot, request);
        var total = await snapshot.QuerySingleOrDefaultAsync<long>(
            format.CountsMessages ? ExportSql.CountMessages(request, values) : ExportSql.CountChats(request, values),
            new { Most = (long?)null });
        progress(0, total);

        ct.ThrowIfCancellationRequested();
        var copy = await connection.BeginRawBinaryCopyAsync(ExportSql.Copy(request, values, format.NeedsTotals, format.NeedsAssistant), ct);
        await using (var reading = new Reading(copy, ct))
        {
            var output = new ArrayBufferWriter<byte>(2 * EnoughForABlock);
            var rows = new CopyReader(copy);
            var file = format.Begin(output, new(request.Bom, TimeZones.Find(request.LocalTimes)));
            var (records, suppressed) = (0L, 0L);
            var counted = format.CountsMessages ? CopyReader.ReadResult.Message : CopyReader.ReadResult.Chat;
            while (await Fill(rows, reading.Broken, ct))
            {
                for (var row = Next(rows, file); row != CopyReader.ReadResult.None; row = Next(rows, file))
                {
                    if (row == counted)
                        records++;
                    if (row == CopyReader.ReadResult.Chat)
                        chat(rows.ChatId);
                    if (row == CopyReader.ReadResult.LeftOut)
                        suppressed++;
                    if (output.WrittenCount < EnoughForABlock)
                        continue;
                    await Flush(output, sink, ct);
                    progress(records, total);
                }
            }
            if (!rows.Complete)
                throw new EndOfStreamException("The database ended in the middle.");
            reading.IsOver = true;
            file.End();
            await Flush(output, sink, ct);
            var (chats, messages) = file.LeftOut;
            suppressed += chats + messages;
            records -= format.CountsMessages ? messages : chats;
            // The total was counted before the format left out chats or messages, so it is corrected here.
            progress(records, records);
            return suppressed;
        }
    }

    public async Task<long> CountMessages(ExportRequest request, long most, CancellationToken ct) =>
        await db.InSnapshotAsync(
            async snapshot =>
            {
                var values = await SetUp(snapshot, request);
                return await snapshot.QuerySingleOrDefaultAsync<long>(
                    ExportSql.CountMessages(request, values), new { Most = (long?)(most < long.MaxValue ? most + 1 : most) });
            },
            ct);

    private async Task<ExportValues> SetUp(Sql.Transaction snapshot, ExportRequest request)
    {
        var values = await snapshot.SetUp(request, engine);
        return SearchQuery.Parse(request.Q) is { } query
            ? await snapshot.Found(values, await search.All(snapshot, ExportSql.Scope(request, values), query))
            : values;
    }

    private IExportFormat Format(ExportRequest request) =>
        _formats.Find(request.Format, request.Layout) ?? throw new ExportFailed("This format of export is not known here.");

    private static async Task Flush(
        ArrayBufferWriter<byte> output,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> sink,
        CancellationToken ct)
    {
        for (var rest = output.WrittenMemory; !rest.IsEmpty;)
        {
            ct.ThrowIfCancellationRequested();
            var block = rest[..Math.Min(rest.Length, LargestBlock)];
            await sink(block, ct);
            rest = rest[block.Length..];
        }
        output.ResetWrittenCount();
    }

    private static async ValueTask<bool> Fill(CopyReader rows, CancellationToken broken, CancellationToken ct)
    {
        try
        {
            return await rows.Fill(broken);
        }
        catch (PostgresException cancelled) when (cancelled.SqlState == PostgresErrorCodes.QueryCanceled && ct.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancelled.Message, cancelled, ct);
        }
    }

    private static CopyReader.ReadResult Next(CopyReader rows, IExportRowWriter file)
    {
        try
        {
            return rows.Next(file);
        }
        catch (Exception failure)
        {
            throw new ExportFailed($"{rows.Where} could not be written.", failure);
        }
    }

    // Disposing an unfinished COPY would read it to its end. So this class first sends a cancel request to the server, on disposal and as
    // soon as the token is cancelled, even if the server has not sent anything yet. Then the connection is reusable and returns to its
    // pool. If the server does not react, the connection is broken instead.
    private sealed class Reading : IAsyncDisposable
    {
        private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

        private readonly NpgsqlRawCopyStream _copy;
        private readonly CancellationTokenSource _broken = new();
        private readonly CancellationTokenRegistration _registration;

        public Reading(NpgsqlRawCopyStream copy, CancellationToken ct)
        {
            _copy = copy;
            _registration = ct.UnsafeRegister(static reading => ((Reading)reading!).Cancel(), this);
        }

        /// <summary>Cancelled some time after the cancel request was sent.</summary>
        public CancellationToken Broken => _broken.Token;

        public bool IsOver { private get; set; }

        public async ValueTask DisposeAsync()
        {
            await _registration.DisposeAsync();
            if (!IsOver)
            {
                Cancel();
                Limit();
            }
            await _copy.DisposeAsync();
            _broken.Dispose();
        }

        private void Cancel()
        {
            _broken.CancelAfter(StopTimeout);
            try
            {
                _copy.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The COPY has already ended with an error.
            }
        }

        // Bounds the time of the reads during disposal.
        private void Limit()
        {
            try
            {
                _copy.ReadTimeout = (int)StopTimeout.TotalMilliseconds;
            }
            catch (Exception gone) when (gone is ObjectDisposedException or NullReferenceException or InvalidOperationException)
            {
                // The connection is broken, so disposal reads nothing from it.
            }
        }
    }
}
