using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Contracts;

/// <summary>An internal error, caused by a missing table.</summary>
public abstract class InternalErrorTests(App app)
{
    public sealed class InProduction(App app) : InternalErrorTests(app), IClassFixture<App>;

    public sealed class InDevelopment(DevelopmentApp app) : InternalErrorTests(app), IClassFixture<DevelopmentApp>;

    [Fact]
    public async Task It_is_a_500_that_tells_nothing_and_passes_when_the_mistake_does()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var viewer = (await acme.Member("viewer")).Caller;
        var body = new { title = AnswerRules.Marker };

        await app.Execute("alter table chats rename to chats_elsewhere");
        var write = await plugin.Post($"{acme.ApiPath}/chats", body);
        var read = await viewer.Get("/orgs/me/chats");
        await app.Execute("alter table chats_elsewhere rename to chats");

        var traceId = write.IsSafeProblem(500, "internal").Text("traceId");
        read.IsSafeProblem(500, "internal");
        Assert.NotEqual(traceId, read.Text("traceId"));
        // The log has the reason for the operator.
        Assert.Contains(
            app.Log.All,
            line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("42P01", StringComparison.Ordinal));
        (await plugin.Post($"{acme.ApiPath}/chats", body)).Is(201);
        (await viewer.Get("/orgs/me/chats")).Is(200);
    }
}
