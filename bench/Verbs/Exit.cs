namespace ChatLogger.Bench.Verbs;

internal static class Exit
{
    public const int Good = 0;
    public const int NotGood = 1;
    public const int CannotRun = 2;
    public const int Interrupted = 130;
}
