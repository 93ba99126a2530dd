using System.Diagnostics;
using ChatLogger.Telemetry;

namespace ChatLogger.Webhooks;

/// <summary>
/// Delivers to one webhook under its lease, until there is nothing to do now: it makes deliveries of what is new in the log, and sends
/// those that are due, each chat in its order and several chats at a time. No transaction and no lock is held while it sends.
/// </summary>
internal sealed partial class WebhookRunner(
    WebhookStore store, WebhookFeed feed, WebhookClient client, IWebhookPayloads payloads, WebhookSecrets secrets, WebhookSettings settings,
    Instruments instruments, TimeProvider time, ILogger<WebhookRunner> log)
{
    /// <summary>
    /// Deliveries of a webhook that wait at a time. What comes after them stays in the log, so that a receiver that is down costs no more.
    /// </summary>
    private const int MaxPending = 500;

    /// <summary>
    /// Failures after which the pause of the whole webhook grows no longer, two minutes: it may be one delivery alone that fails, which
    /// has a delay of its own, and a receiver that is back should not wait for hours.
    /// </summary>
    private const int MostCountedFailures = 3;

    // Bounds the last statement, because a host that shuts down does not wait much longer.
    private static readonly TimeSpan ReleaseTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Returns false if another instance delivers to the webhook.</summary>
    /// <param name="orgId">The organization.</param>
    /// <param name="webhookId">The webhook.</param>
    /// <param name="stopping">No attempt begins after this.</param>
    /// <param name="ending">Ends the attempts that have begun.</param>
    public async Task<bool> Run(Guid orgId, Guid webhookId, CancellationToken stopping, CancellationToken ending)
    {
        if (await store.Acquire(orgId, webhookId, stopping) is not { } lease)
            return false;
        var run = new WebhookRun(lease);
        try
        {
            while (!stopping.IsCancellationRequested && await Round(run, stopping, ending))
            {
            }
        }
        catch (WebhookLeaseLost)
        {
            return false;
        }
        finally
        {
            using var limit = new CancellationTokenSource(ReleaseTimeout);
            await store.Release(run.Lease, run.Next, limit.Token);
        }
        return true;
    }

    // Returns whether there may be more to do now.
    private async Task<bool> Round(WebhookRun run, CancellationToken stopping, CancellationToken ending)
    {
        run.Since = Stopwatch.GetTimestamp();
        if (await store.Find(run.Lease.OrgId, run.Lease.WebhookId, stopping) is not { } found || !await store.Renew(run.Lease, stopping))
            return false;
        var (pending, more) = await Pending(run, found, stopping);
        var now = time.GetUtcNow();
        if (run.Lease.RetryAt > now)
        {
            run.Next = run.Lease.RetryAt;
            return false;
        }
        var lines = pending.GroupBy(delivery => delivery.Line).Select(line => line.ToList()).ToList();
        run.Next = lines.Count == 0 ? null : lines.Min(line => line[0].NextAttemptAt);
        var due = lines.FindAll(line => line[0].NextAttemptAt <= now);
        if (due.Count == 0)
            return more;
        // It may have been changed before what is sent now was written: a secret that was replaced before must not sign it.
        if (await store.Find(run.Lease.OrgId, run.Lease.WebhookId, stopping) is not { } webhook)
            return false;
        if (Keys(webhook, now) is not { } keys)
        {
            CannotDecrypt(log, webhook.Id, webhook.OrgId);
            await store.Pause(webhook, stopping);
            return false;
        }
        // A receiver that fails is tried with one delivery, and with one that is not known to fail where there is one.
        if (run.Lease.Failures > 0)
            due = [[due.MinBy(line => (line[0].Attempts, line[0].NextAttemptAt))![0]]];
        var round = new WebhookRound(webhook, keys, now);
        await Parallel.ForEachAsync(
            due,
            new ParallelOptions { MaxDegreeOfParallelism = settings.Concurrency, CancellationToken = CancellationToken.None },
            async (line, _) => await Send(run, round, line, stopping, ending));
        return await Settle(run, round, stopping);
    }

    private async Task<(IReadOnlyList<PendingDelivery> Pending, bool More)> Pending(
        WebhookRun run, WebhookTarget webhook, CancellationToken ct)
    {
        var pending = await store.Pending(run.Lease, MaxPending, ct);
        if (pending.Count > MaxPending / 2)
            return (pending, false);
        var hasJobs = await feed.AddJobs(webhook, run.Lease, ct);
        var progress = await feed.Advance(webhook, run.Lease, MaxPending - pending.Count, ct);
        return (hasJobs || progress.Added ? await store.Pending(run.Lease, MaxPending, ct) : pending, progress.More);
    }

    private async Task Send(
        WebhookRun run, WebhookRound round, List<PendingDelivery> line, CancellationToken stopping, CancellationToken ending)
    {
        foreach (var delivery in line)
        {
            // The lease must not end while an attempt goes on.
            if (stopping.IsCancellationRequested || delivery.NextAttemptAt > time.GetUtcNow()
                || Stopwatch.GetElapsedTime(run.Since) > settings.Lease / 3 || !await Send(round, delivery, ending))
                return;
        }
    }

    // Returns whether the next one of the line may follow.
    private async Task<bool> Send(WebhookRound round, PendingDelivery delivery, CancellationToken ending)
    {
        var webhook = round.Webhook;
        if (await store.Limited(() => payloads.Read(webhook, delivery, ending), ending) is not { } body)
        {
            await store.Record(webhook.OrgId, delivery, DeliveryStatus.Skipped, null, null, ending);
            instruments.WebhookSent(DeliveryStatus.Skipped);
            return true;
        }
        var result = await client.Send(webhook.Url, delivery.Id, round.Keys, body, ending);
        round.Add(result);
        instruments.WebhookSent(result.Error ?? DeliveryStatus.Delivered);
        if (result.IsDelivered)
        {
            await store.Record(webhook.OrgId, delivery, DeliveryStatus.Delivered, result, null, ending);
            return true;
        }
        var now = time.GetUtcNow();
        var first = delivery.FirstAttemptAt ?? now;
        var deadline = first + settings.RetryFor;
        // Where nothing has succeeded since, the webhook is paused, and this is sent when it is resumed.
        if (now >= deadline && !(webhook.FailingSince <= first))
        {
            await store.Record(webhook.OrgId, delivery, DeliveryStatus.Failed, result, null, ending);
            GivenUp(log, delivery.Id, webhook.Id, webhook.OrgId);
            return true;
        }
        var next = RetryDelays.Next(delivery.Attempts + 1, now, deadline, result.RetryAfter);
        await store.Record(webhook.OrgId, delivery, DeliveryStatus.Pending, result, next, ending);
        return false;
    }

    // Stores what the attempts of a round say of the receiver. Returns false if there is no other attempt now.
    private async Task<bool> Settle(WebhookRun run, WebhookRound round, CancellationToken ct)
    {
        var (webhook, lease, now) = (round.Webhook, run.Lease, time.GetUtcNow());
        if (round.Succeeded > 0)
        {
            if (lease.Failures > 0)
                await store.Hold(run.Lease = lease with { Failures = 0, RetryAt = null }, ct);
            if (webhook.FailingSince is not null)
                await store.SetFailing(webhook, null, ct);
            return true;
        }
        if (round.Failed == 0)
            return true;
        var since = webhook.FailingSince ?? round.Began;
        if (webhook.FailingSince is null)
            await store.SetFailing(webhook, since, ct);
        if (round.IsGone || now - since >= settings.RetryFor)
        {
            if (await store.Pause(webhook, ct))
                Paused(log, webhook.Id, webhook.OrgId, since, round.LastError);
            return false;
        }
        var failures = lease.Failures + 1;
        run.Lease = lease with
        {
            Failures = failures,
            RetryAt = RetryDelays.Next(Math.Min(failures, MostCountedFailures), now, since + settings.RetryFor, round.RetryAfter),
        };
        await store.Hold(run.Lease, ct);
        run.Next = run.Lease.RetryAt;
        return false;
    }

    // The keys to sign with, the newest first; null: they cannot be decrypted.
    private List<byte[]>? Keys(WebhookTarget webhook, DateTimeOffset now)
    {
        if (secrets.Decrypt(webhook.OrgId, webhook.Id, webhook.Secret) is not { } key)
            return null;
        var keys = new List<byte[]> { key };
        if (webhook.PreviousUntil > now && secrets.Decrypt(webhook.OrgId, webhook.Id, webhook.PreviousSecret!) is { } previous)
            keys.Add(previous);
        return keys;
    }

    [LoggerMessage(
        LogLevel.Warning,
        "Webhook {WebhookId} of organization {OrgId} is paused: no delivery has succeeded since {Since:O}, the last error is {Error}")]
    private static partial void Paused(ILogger log, Guid webhookId, Guid orgId, DateTimeOffset since, string error);

    [LoggerMessage(LogLevel.Warning, "Delivery {DeliveryId} to webhook {WebhookId} of organization {OrgId} is given up; others succeed")]
    private static partial void GivenUp(ILogger log, Guid deliveryId, Guid webhookId, Guid orgId);

    [LoggerMessage(
        LogLevel.Error,
        "Webhook {WebhookId} of organization {OrgId} is paused: its secret cannot be decrypted. Set the secret that it was encrypted with "
            + "as Webhooks__PreviousEncryptionSecret, or let a member rotate the webhook's secret")]
    private static partial void CannotDecrypt(ILogger log, Guid webhookId, Guid orgId);

    /// <summary>The state of a run: its lease, when its last round began, and when there is something to do next.</summary>
    private sealed class WebhookRun(WebhookLease lease)
    {
        public WebhookLease Lease { get; set; } = lease;

        public long Since { get; set; }

        public DateTimeOffset? Next { get; set; }
    }
}
