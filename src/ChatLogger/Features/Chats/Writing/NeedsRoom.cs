using ChatLogger.Http;

namespace ChatLogger.Features;

/// <summary>
/// An endpoint that writes. While there is no room it is refused before its body is read: whoever comes in a rush costs next to nothing, and what is
/// there already is written the sooner.
/// </summary>
internal sealed class NeedsRoom(Func<IServiceProvider, Room> of)
{
    public static NeedsRoom ForMessages { get; } = new(services => services.GetRequiredService<MessageWriter>().Room);

    public static NeedsRoom ForChats { get; } = new(services => services.GetRequiredService<ChatWriter>().Room);

    public static NeedsRoom ForBatches { get; } = new(services => services.GetRequiredService<BatchWriter>().Room);

    public static Task Middleware(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<NeedsRoom>() is { } needed && needed.Of(context.RequestServices).IsFull
            ? ProblemWriter.Write(context, Room.Full())
            : next(context);

    private Room Of(IServiceProvider services) => of(services);
}
