using ChatLogger.LiveEvents;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Live;

/// <summary>What becomes of a connection whose stream ends while something is being sent.</summary>
public sealed class LiveStreamEndTests : IDisposable
{
    private readonly HeldBody _body = new();
    private readonly LifetimeFeature _lifetime = new();
    private readonly LiveStream _stream = new(new(Guid.NewGuid(), Guid.NewGuid(), "viewer", Guid.NewGuid(), null), _ => { });

    public void Dispose()
    {
        _stream.Dispose();
        _body.Dispose();
    }

    [Fact]
    public async Task A_client_that_reads_is_not_cut_off()
    {
        var sent = Send();
        await Wait.For(_body.IsFlushing.Task);

        await _stream.End();
        _body.Continue.SetResult();
        await Wait.For(sent);

        Assert.False(_lifetime.IsAborted);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_off()
    {
        var sent = Send();
        await Wait.For(_body.IsFlushing.Task);

        await _stream.End();
        await Wait.Until(() => _lifetime.IsAborted);
        _body.Continue.SetResult();

        await Wait.For(sent);
    }

    private Task Send()
    {
        var context = new DefaultHttpContext
        {
            RequestServices = new ServiceCollection()
                .AddSingleton(new LiveSettings())
                .AddSingleton(TimeProvider.System)
                .BuildServiceProvider(),
        };
        context.Response.Body = _body;
        context.Features.Set<IHttpRequestLifetimeFeature>(_lifetime);
        return new ChatLogger.Features.EventStreamResponse(_stream).ExecuteAsync(context);
    }

    private sealed class LifetimeFeature : IHttpRequestLifetimeFeature
    {
        public CancellationToken RequestAborted { get; set; }

        public bool IsAborted { get; private set; }

        public void Abort() => IsAborted = true;
    }

    /// <summary>Accepts everything, but reports it as sent only when told to.</summary>
    private sealed class HeldBody : MemoryStream
    {
        public TaskCompletionSource IsFlushing { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Continue { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            IsFlushing.TrySetResult();
            return Continue.Task.WaitAsync(cancellationToken);
        }
    }
}
