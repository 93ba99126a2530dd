using System.Diagnostics.Metrics;

namespace ChatLogger.Tests.Support;

/// <summary>For what measures something while nobody listens.</summary>
internal sealed class UnreadMeters : IMeterFactory
{
    public Meter Create(MeterOptions options) => new(options);

    public void Dispose()
    {
    }
}
