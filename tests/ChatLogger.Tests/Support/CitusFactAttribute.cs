namespace ChatLogger.Tests.Support;

/// <summary>A test for a database that is distributed over a Citus cluster.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CitusFactAttribute : FactAttribute
{
    public CitusFactAttribute()
    {
        if (!CitusCluster.IsGiven)
            Skip = "Needs a Citus cluster: set CHATLOGGER_TEST_CITUS to the URL of a database of its coordinator that has workers.";
    }
}
