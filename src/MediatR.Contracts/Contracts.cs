namespace MediatR;

/// <summary>What every request has in common: it goes to exactly one handler.</summary>
public interface IBaseRequest;

/// <summary>A request whose handler answers nothing.</summary>
public interface IRequest : IBaseRequest;

/// <summary>A request whose handler answers a <typeparamref name="TResponse"/>.</summary>
public interface IRequest<out TResponse> : IBaseRequest;

/// <summary>A request whose handler answers a stream of <typeparamref name="TResponse"/>.</summary>
public interface IStreamRequest<out TResponse>;

/// <summary>Something that happened; any number of handlers may listen.</summary>
public interface INotification;

/// <summary>The one value of a type that carries no information: what a void handler answers.</summary>
public readonly record struct Unit
{
    private static readonly Unit Only;

    /// <summary>The value.</summary>
    public static ref readonly Unit Value => ref Only;

    /// <summary>The value, already awaited.</summary>
    public static Task<Unit> Task { get; } = System.Threading.Tasks.Task.FromResult(Only);

    public override string ToString() => "()";
}
