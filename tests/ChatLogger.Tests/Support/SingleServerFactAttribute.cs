namespace ChatLogger.Tests.Support;

/// <summary>
/// A test that does to the database, to provoke something, what Citus refuses on distributed tables: it puts a trigger on one, for example.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SingleServerFactAttribute : FactAttribute
{
    public SingleServerFactAttribute()
    {
        if (CitusCluster.IsGiven)
            Skip = "It changes the database in a way that Citus refuses.";
    }
}
