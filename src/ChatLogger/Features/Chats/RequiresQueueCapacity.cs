using ChatLogger.Http;
using ChatLogger.Ingest;

namespace ChatLogger.Features;

/// <summary>
/// Marks an endpoint that queues writes. While the queue is full, the middleware rejects its requests before reading their bodies (load
/// shedding): during an overload a rejected request costs next to nothing, which leaves the resources to the writes that are queued.
/// </summary>
internal sealed class RequiresQueueCapacity(Func<QueueCapacities, QueueCapacity> of)
{
    public static RequiresQueueCapacity ForMessages { get; } = new(capacities => capacities.Messages);

    public static RequiresQueueCapacity ForChats { get; } = new(capacities => capacities.Chats);

    public static RequiresQueueCapacity ForBatches { get; } = new(capacities => capacities.Batches);

    public static Task Middleware(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RequiresQueueCapacity>() is { } needed && needed.Of(context.RequestServices).IsFull
            ? ProblemWriter.Write(context, QueueCapacity.Full())
            : next(context);

    private QueueCapacity Of(IServiceProvider services) => of(services.GetRequiredService<QueueCapacities>());
}
