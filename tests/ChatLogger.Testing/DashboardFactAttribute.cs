using ChatLogger.Features;

namespace ChatLogger.Testing;

/// <summary>A test of the dashboard's files, which a build without Node does not have. CI requires them.</summary>
[AttributeUsage(AttributeTargets.Method)]
public class DashboardFactAttribute : FactAttribute
{
    public DashboardFactAttribute()
    {
        if (!DashboardFiles.Read().IsBuilt)
            Skip = "The dashboard was not built: it needs Node and npm.";
    }
}
