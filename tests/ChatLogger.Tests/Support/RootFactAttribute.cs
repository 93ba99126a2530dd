using ChatLogger.Data;

namespace ChatLogger.Tests.Support;

/// <summary>A story that only root can play, for instance giving a directory to somebody else.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!ServerAccount.IsRoot)
            Skip = "Needs root, and this run is an ordinary user's.";
    }
}
