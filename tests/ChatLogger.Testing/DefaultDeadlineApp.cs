namespace ChatLogger.Testing;

/// <summary>The service for tests of what happens at the database deadline, which is the default one of four seconds.</summary>
public class DefaultDeadlineApp : App
{
    private protected override string DatabaseDeadline => "00:00:04";
}
