using ChatLogger.Http;
using ChatLogger.Ingest;

namespace ChatLogger.Features;

/// <summary>
/// An endpoint that writes. While there is no room it is refused before its body is read: whoever comes in a rush costs next to nothing, and what is
/// there already is written the sooner.
/// </summary>
internal sealed class RequiresQueueCapacity(Func<IServiceProvider, QueueCapacity> of)
{
    public static RequiresQueueCapacity ForMessages { get; } = new(services => services.GetRequiredService<MessageWriter>().Capacity);

    public static RequiresQueueCapacity ForChats { get; } = new(services => services.GetRequiredService<ChatWriter>().Capacity);

    public static RequiresQueueCapacity ForBatches { get; } = new(services => services.GetRequiredService<BatchWriter>().Capacity);

    public static Task Middleware(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RequiresQueueCapacity>() is { } needed && needed.Of(context.RequestServices).IsFull
            ? ProblemWriter.Write(context, QueueCapacity.Full())
            : next(context);

    private QueueCapacity Of(IServiceProvider services) => of(services);
}
