using System.Runtime.InteropServices;

namespace ChatLogger.Cli;

/// <summary>
/// SIGTERM and Ctrl+C while no host listens to them, which is before it has started and in the other verbs. Without this the process would end
/// at once, and a private server that it has just started would stay behind.
/// </summary>
internal sealed class SignalHandler : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly PosixSignalRegistration[] _signals;

    public SignalHandler(CancellationToken ct)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _signals = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop), PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop)];
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
        _source.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        try
        {
            _source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Just then the host took over; it has heard the signal itself.
        }
    }
}
