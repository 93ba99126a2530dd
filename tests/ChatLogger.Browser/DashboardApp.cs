using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Browser;

/// <summary>The service, and browsers that look at its dashboard.</summary>
public class DashboardApp : App
{
    /// <summary>The path of the service; empty for none.</summary>
    internal virtual string Base => "";

    /// <summary>Looks at the dashboard as this member, or as nobody; at the end there must be nothing to complain of.</summary>
    internal async Task Browse(Caller? caller, Func<Visit, Task> walk, Look? look = null)
    {
        var visit = await Visit.Begin(this, look ?? new());
        try
        {
            await visit.As(caller);
            await walk(visit);
            Assert.Empty(visit.Complaints);
        }
        catch (Exception failure) when (visit.Complaints.Count > 0)
        {
            await visit.Picture($"failed-{Guid.NewGuid():N}");
            throw new InvalidOperationException($"{failure.Message}\n{string.Join('\n', visit.Complaints)}", failure);
        }
        catch
        {
            await visit.Picture($"failed-{Guid.NewGuid():N}");
            throw;
        }
        finally
        {
            await visit.Context.CloseAsync();
        }
    }

    protected override void Customize(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(
    [
        new("RateLimits:Analytics:PerMinute", "1000000"),
        // A test receives webhooks on this machine.
        new("Webhooks:AllowPrivateTargets", "true"),
        // What is erased is removed while the page is looked at.
        new("Erasure:Interval", "00:00:00.200"),
        new("Purge:Interval", "00:00:00.200"),
    ]);
}
