using System.Security.Cryptography;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Ingest;
using NSubstitute;

namespace ChatLogger.Tests.Features.Chats;

public class BatchWriteTests
{
    [Fact]
    public async Task A_replay_stays_known_when_the_queue_is_too_full_to_write_its_neighbour_again()
    {
        var capacity = new QueueCapacity(2, 1_000_000);
        var (replayed, expired) = (Keyed("replayed"), Keyed("expired"));
        capacity.Reserve([replayed, expired]);
        var firstId = Guid.NewGuid();
        var writing = new BatchWrite<NewMessage>(
            [replayed, expired],
            (rows, group, place) =>
            {
                // Both keys are known to the database at first.
                group.Add(place, Substitute.For<PendingWriteGroup.IPendingWrite>());
                capacity.Release(Assert.Single(rows));
                group.Complete(place, new WriteOutcome(WriteStatus.DuplicateKey, null));
            },
            (_, _) =>
            {
                // The second key has expired meanwhile, so its item must be queued again; but others have filled the queue.
                capacity.Reserve([Keyed("a"), Keyed("b")]);
                return Task.FromResult<IReadOnlyList<StoredItem>>([new StoredItem(1, replayed.IdempotencyKey!.BodyHash.Stored, firstId)]);
            },
            capacity,
            new KeyedLock<ParentKey>(TimeSpan.FromSeconds(1), TimeProvider.System),
            TimeProvider.System,
            ProblemWriter.Of)
        {
            ParentNotFound = "No such chat.",
            Deleted = "Deleted.",
        };

        var results = await writing.Run(CancellationToken.None);

        Assert.Equal(new BatchItemResult(firstId, true, null), results[0]);
        Assert.Equal(ProblemType.Unavailable, results[1].Error?.Type);
        Assert.Equal(2, capacity.Rows);
    }

    private static NewMessage Keyed(string key) => new(
        Guid.NewGuid(),
        new Message(Guid.NewGuid(), Guid.NewGuid(), "user", key, null, null, null, null, RawJsonObject.Empty, null, null, null, null, null,
                default, null),
        new Idempotency(key, new BodyHash(SHA256.HashData("a"u8))));
}
