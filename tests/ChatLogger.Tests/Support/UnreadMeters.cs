using System.Diagnostics.Metrics;

namespace ChatLogger.Tests.Support;

/// <summary>For tests that need meters but do not read them.</summary>
internal sealed class UnreadMeters : IMeterFactory
{
    public Meter Create(MeterOptions options) => new(options);

    public void Dispose()
    {
    }
}
