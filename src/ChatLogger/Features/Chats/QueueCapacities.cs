using ChatLogger.Ingest;

namespace ChatLogger.Features;

/// <summary>The capacities of the queues in which messages, chats and the items of batches wait to be written.</summary>
internal sealed class QueueCapacities(IngestSettings settings)
{
    public QueueCapacity Messages { get; } = new(settings.QueueRows, settings.QueueBytes);

    public QueueCapacity Chats { get; } = new(settings.QueueRows, settings.QueueBytes);

    public QueueCapacity Batches { get; } = new(settings.BatchQueueRows, settings.BatchQueueBytes);
}
