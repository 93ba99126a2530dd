namespace ChatLogger.Tests.Telemetry;

/// <summary>
/// Tests that listen to the instruments, which are the process's, and those that count what the instruments cost nobody while nobody listens: one after another.
/// </summary>
internal static class Listening
{
    public const string Name = "Listening";
}
