using ChatLogger.Ingest;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// Feedback of single requests. Transactions of an organization take turns, so what arrives while this instance has one waits for its end
/// and is then stored together, by the next one.
/// </summary>
internal sealed class FeedbackQueue(FeedbackWriter writer)
{
    private const int MaxTogether = 200;

    private readonly Dictionary<Guid, Queue<Pending>> _waiting = [];

    /// <summary>Stores feedback and returns its result. What is stored is committed.</summary>
    public Task<BatchItemResult> Write(Guid orgId, NewFeedback feedback, CancellationToken ct)
    {
        var pending = new Pending(feedback, ct);
        bool isFirst;
        lock (_waiting)
        {
            isFirst = !_waiting.TryGetValue(orgId, out var queue);
            if (isFirst)
                _waiting.Add(orgId, queue = []);
            queue!.Enqueue(pending);
        }
        if (isFirst)
            _ = WriteAll(orgId);
        return pending.Result.Task.WaitAsync(ct);
    }

    private async Task WriteAll(Guid orgId)
    {
        while (Next(orgId) is { Count: > 0 } together)
        {
            try
            {
                await Write(orgId, together);
            }
            // One that the database refuses does not fail the others.
            catch (PostgresException refused) when (GroupCommit.IsRowError(refused) && together.Count > 1)
            {
                foreach (var each in together)
                    await Alone(orgId, each);
            }
            catch (Exception failure)
            {
                together.ForEach(each => each.Result.TrySetException(failure));
            }
        }
    }

    private async Task Alone(Guid orgId, Pending pending)
    {
        try
        {
            await Write(orgId, [pending]);
        }
        catch (Exception failure)
        {
            pending.Result.TrySetException(failure);
        }
    }

    // Without those whose requests have ended. Empty: nobody waits, and the next request begins again.
    private List<Pending> Next(Guid orgId)
    {
        lock (_waiting)
        {
            var queue = _waiting[orgId];
            var next = new List<Pending>();
            while (next.Count < MaxTogether && queue.TryDequeue(out var pending))
            {
                if (!pending.Ct.IsCancellationRequested)
                    next.Add(pending);
            }
            if (next.Count == 0)
                _waiting.Remove(orgId);
            return next;
        }
    }

    private async Task Write(Guid orgId, List<Pending> together)
    {
        using var timeout = new CancellationTokenSource(WriteTransaction.Timeout);
        try
        {
            var results = await writer.Write(orgId, together.ConvertAll(each => each.Feedback), timeout.Token);
            foreach (var (each, result) in together.Zip(results))
                each.Result.TrySetResult(result);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            throw new TimeoutException("The database did not answer a write in time.");
        }
    }

    private sealed record Pending(NewFeedback Feedback, CancellationToken Ct)
    {
        public TaskCompletionSource<BatchItemResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
