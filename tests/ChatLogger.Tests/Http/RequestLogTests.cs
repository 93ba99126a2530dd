using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace ChatLogger.Tests.Http;

public class RequestLogTests(RequestLogTests.LoggingApp app) : IClassFixture<RequestLogTests.LoggingApp>
{
    [Fact]
    public async Task A_refusal_is_found_in_the_log_by_its_trace_id_without_the_request_body()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        var refused = (await admin.Get("/orgs/me/chats?q=SECRET&limit=0")).IsInvalid("limit");
        (await admin.Get("/orgs/me/chats?q=SECRET")).Is(200);

        var line = await Line(refused.Text("traceId"));
        Assert.Matches($"^Debug GET /orgs/me/chats 400 [0-9.]+ ms trace={refused.Text("traceId")} $", line);
        Assert.StartsWith("Debug GET /orgs/me/chats 200 ", await Line("/orgs/me/chats 200 "), StringComparison.Ordinal);
        Assert.DoesNotContain(app.Log.All, line => line.Contains("SECRET", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_kind_of_answer_has_its_line()
    {
        var missing = (await app.Stranger.Get("/nowhere")).IsProblem(404, "not-found");
        var wrong = (await app.Stranger.Delete("/version")).IsProblem(405, "method-not-allowed");
        var nobody = (await app.Stranger.Get("/users/me")).IsProblem(401, "unauthenticated");

        foreach (var answer in new[] { missing, wrong, nobody })
            Assert.Contains($" {answer.Status} ", await Line(answer.Text("traceId")), StringComparison.Ordinal);
    }

    // The line is written when the answer has been sent, and the caller may have it by then.
    private async Task<string> Line(string trace)
    {
        for (var attempt = 0; ; attempt++)
        {
            if (Lines().FirstOrDefault(line => line.Contains(trace, StringComparison.Ordinal)) is { } found)
                return found;
            Assert.True(attempt < 1_000, "The line was never written.");
            await Task.Delay(10);
        }
    }

    private IEnumerable<string> Lines() =>
        app.Log.All.Where(line => line.StartsWith("Debug ", StringComparison.Ordinal) && line.Contains(" ms", StringComparison.Ordinal));

    public class LoggingApp : App
    {
        protected override void Customize(WebApplicationBuilder builder) => builder.Logging.AddFilter("Requests", LogLevel.Debug);
    }
}
