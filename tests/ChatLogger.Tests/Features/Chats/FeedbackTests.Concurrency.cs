using System.Globalization;
using System.Text.Json;
using Npgsql;

namespace ChatLogger.Tests.Features.Chats;

public partial class FeedbackTests
{
    [Fact]
    public async Task A_chat_that_is_removed_while_the_feedback_waits_is_not_rated()
    {
        var acme = await app.Org("acme");
        var (deleted, removed) = (await acme.Chat(), await acme.Chat());
        await using var elsewhere = await app.Rows.OpenConnectionAsync();
        await using var transaction = await elsewhere.BeginTransactionAsync();
        await new NpgsqlCommand(
            $"""
            select from organization_log where org_id = '{acme.Id}' for no key update;
            update chats set deleted_at = now() where org_id = '{acme.Id}' and id = '{deleted}';
            delete from chats where org_id = '{acme.Id}' and id = '{removed}';
            """,
            elsewhere,
            transaction).ExecuteNonQueryAsync();

        var answers = new[] { Rate(acme, deleted, null, new { rating = "up" }), Rate(acme, removed, null, new { rating = "up" }) };
        // The second one waits for the first.
        await app.Blocked();
        await transaction.CommitAsync();

        foreach (var answer in answers)
            (await answer).IsProblem(404, "not-found");
        Assert.Equal(0, await acme.Count("feedback"));
    }

    [Fact]
    public async Task Fifty_at_once_on_two_instances_leave_one_whole_feedback_of_each_target()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        var message = await acme.Say(chat, "one");
        var key = (await acme.Plugin()).Credential!;
        var other = await app.AnotherInstance();

        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 100)
                .Select(i =>
                    Task.Run(() =>
                        (i % 2 == 0 ? app : other)
                            .Stranger.WithKey(key)
                            .Send(
                                HttpMethod.Put,
                                $"{acme.ApiPath}/chats/{chat}{(i % 4 < 2 ? "" : $"/messages/{message}")}/feedback",
                                new { rating = i % 3 == 0 ? "up" : "down", comment = $"{i}" }))));
        await other.Stop();

        Assert.All(answers, answer => answer.Is(200));
        Assert.Equal(2, await acme.Count("feedback"));
        foreach (var target in new[] { chat, message })
        {
            var i = int.Parse(
                (
                    await app.Value<string>(
                        "select comment from feedback where org_id = @Id and target_id = @Target::uuid",
                        new { acme.Id, Target = target })
                )!,
                CultureInfo.InvariantCulture);
            Assert.Equal(target == chat, i % 4 < 2);
            Assert.Equal(
                1,
                await app.Value<long>(
                    "select count(*) from feedback where org_id = @Id and target_id = @Target::uuid and rating = @Rating and at = "
                        + "@At::timestamptz",
                    new
                    {
                        acme.Id,
                        Target = target,
                        Rating = i % 3 == 0 ? "up" : "down",
                        At = answers[i].Text("at"),
                    }));
        }

        // A write after all of them is the last one.
        (await Rate(acme, chat, null, new { rating = "up", comment = "last" })).Is(200);
        Assert.Equal(
            "last",
            (await (await acme.Admin()).Get($"/orgs/me/chats/{chat}")).Is(200)["feedback"].GetProperty("comment").GetString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_summary_counts_the_last_feedback_of_each_by_its_own_time(int seed)
    {
        var random = new Random(seed);
        var acme = await app.Org("acme");
        var viewer = (await acme.Member("viewer")).Caller;
        var targets = new List<(string Chat, string? Message)>();
        for (var i = 0; i < 4; i++)
        {
            var chat = await acme.Chat(new { tags = i < 2 ? new[] { "t" } : [] });
            targets.Add((chat, null));
            targets.Add((chat, await acme.Say(chat, "one")));
        }
        var model = new Dictionary<(string Chat, string? Message), (bool Up, DateTimeOffset At)>();
        var begin = app.Clock.GetUtcNow();

        for (var round = 0; round < 8; round++)
        {
            for (var i = 0; i < 4; i++)
            {
                app.Clock.Advance(TimeSpan.FromSeconds(random.Next(1, 20)));
                var target = targets[random.Next(targets.Count)];
                var up = random.Next(2) == 0;
                var answer = (await Rate(acme, target.Chat, target.Message, new { rating = up ? "up" : "down" })).Is(200);
                model[target] = (up, answer["at"].GetDateTimeOffset());
            }
            var from = begin.AddSeconds(random.Next(0, 200));
            var to = from.AddSeconds(random.Next(1, 200));
            var tag = random.Next(2) == 0 ? "&tag=t" : "";

            var summary = (await viewer.Get($"/analytics/orgs/me/summary?from={Text(from)}&to={Text(to)}{tag}")).Is(200);

            Assert.Equal(Count(from, to), Shown(summary["totals"]));
            Assert.Equal(Count(from - (to - from), from), Shown(summary["previous"]));

            (int Up, int Down) Count(DateTimeOffset start, DateTimeOffset end)
            {
                var within = model.Where(each => each.Value.At >= Cut(start) && each.Value.At < Cut(end))
                    .Where(each => tag == "" || targets.FindIndex(target => target.Chat == each.Key.Chat) < 4)
                    .Select(each => each.Value.Up).ToArray();
                return (within.Count(up => up), within.Count(up => !up));
            }
        }
        Assert.True(model.Count > 4);

        static (int, int) Shown(JsonElement totals) =>
            (totals.GetProperty("feedbackUp").GetInt32(), totals.GetProperty("feedbackDown").GetInt32());

        static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

        // The service keeps whole milliseconds.
        static DateTimeOffset Cut(DateTimeOffset at) => DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());
    }
}
