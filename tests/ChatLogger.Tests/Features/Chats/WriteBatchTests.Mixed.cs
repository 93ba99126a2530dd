using System.Text.Json;

namespace ChatLogger.Tests.Features.Chats;

public partial class WriteBatchTests
{
    [Fact]
    public async Task An_item_gets_the_same_result_in_any_batch_as_alone()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        var plugin = await acme.Plugin();
        var (chat, theirs, member) = (await acme.Chat(), await globex.Chat(), (await acme.Member("user")).Id);
        var random = new Random(20_261_122);
        string Pick(params string[] all) => all[random.Next(all.Length)];

        for (var round = 0; round < 20; round++)
        {
            var bodies = Enumerable
                .Range(0, 25)
                .Select(_ =>
                    random.Next(3) == 0
                        ? (
                            Path: "/chats",
                            Members: string.Join(
                                ',',
                                new[]
                                {
                                    Pick(
                                        "",
                                        "",
                                        "\"title\":\"t\"",
                                        "\"title\":1",
                                        "\"title\":\"\\ud800\"",
                                        $"\"title\":\"{new string('é', 201)}\"",
                                        "\"role\":\"user\""),
                                    Pick("", "", "\"tags\":[\"a\"]", "\"tags\":[null]", "\"tags\":[\" \"]", "\"tags\":\"a\""),
                                    Pick("", "", $"\"userId\":\"{member}\"", $"\"userId\":\"{Guid.CreateVersion7()}\""),
                                    Pick("", "\"metadata\":{\"a\":[1]}", "\"metadata\":[]", "\"metadata\":{\"a\":1e999}"),
                                }.Where(member => member.Length > 0)))
                        : (
                            Path: $"/chats/{Pick(chat, chat, chat, theirs, Guid.CreateVersion7().ToString())}/messages",
                            Members: string.Join(
                                ',',
                                new[]
                                {
                                    Pick(
                                        "\"role\":\"user\"",
                                        "\"role\":\"user\"",
                                        "\"role\":\"User\"",
                                        "\"role\":null",
                                        "\"role\":\"a\\u0000\""),
                                    Pick("\"content\":\"a\"", "\"content\":\"a\"", "\"content\":\"\"", "\"content\":7"),
                                    Pick(
                                        "",
                                        "",
                                        "\"latencyMs\":5",
                                        "\"latencyMs\":5.5",
                                        "\"latencyMs\":-5",
                                        "\"latencyMs\":5,\"latencyMs\":6"),
                                    Pick("", "", "\"metadata\":{\"a\":{\"a\":1,\"a\":2}}", "\"model\":\"m\"", "\"nope\":1"),
                                }.Where(member => member.Length > 0))))
                .ToList();

            var together = (await Send(acme, [.. bodies.Select(body => body.Path == "/chats"
                ? $"{{\"type\":\"chat\"{(body.Members.Length > 0 ? "," : "")}{body.Members}}}"
                : $"{{{body.Members},\"chatId\":\"{body.Path.Split('/')[2]}\",\"type\":\"message\"}}")])).Is(207);

            for (var i = 0; i < bodies.Count; i++)
            {
                var alone = await plugin.Post($"{acme.ApiPath}{bodies[i].Path}", $"{{{bodies[i].Members}}}");
                Assert.True(alone.Status == Statuses(together)[i], $"{bodies[i]}: {alone.Status} alone, {together["results"][i]}");
                if (alone.Status != 201)
                    Assert.Equal(Rejected(alone.Json), Rejected(Problem(together, i)));
            }
        }
        Assert.Equal(1, await globex.Count("chats"));
        Assert.Equal(0, await globex.Count("messages"));
        Assert.True(await app.Value<bool>("select count(*) % 2 = 0 from messages where org_id = @Id", new { acme.Id }));

        static string Rejected(JsonElement problem) =>
            problem.GetProperty("type") + " "
                + (problem.TryGetProperty("errors", out var errors)
                    ? string.Join(' ', errors.EnumerateObject().Select(error => error.Name))
                    : "");
    }
}
