using ChatLogger.PrivatePostgres;

namespace ChatLogger.Tests.Support;

/// <summary>A test that only root can run, for instance one that gives a directory to another user.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!ServerAccount.IsRoot)
            Skip = "Needs root, and this run is an ordinary user's.";
    }
}
