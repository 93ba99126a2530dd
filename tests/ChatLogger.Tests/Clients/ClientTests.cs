using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ChatLogger.Client;
using ChatLogger.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Clients;

/// <summary>The package ChatLogger.Client and the real service.</summary>
public class ClientTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task A_chat_its_messages_and_their_ratings_arrive_with_everything_that_they_say()
    {
        var acme = await LogOrg.Of(app);
        await using var logger = acme.Client();
        var chat = logger.Chat(null, new()
        {
            Title = "Order",
            Tags = ["shipping"],
            ExternalUserId = "visitor-17",
            Metadata = new JsonObject { ["page"] = "/cart" },
        });
        chat.Message("user", "Where is my order?");
        var answer = chat.Message(new("assistant", "On its way.")
        {
            Model = "m-1",
            Latency = TimeSpan.FromSeconds(0.12),
            PromptTokens = 7,
            CompletionTokens = 4,
            TokenCount = 11,
            ToolCalls = [new("t1", "track", new JsonObject { ["order"] = 4 })],
            Metadata = new JsonObject { ["trace"] = "x" },
        });
        answer.Feedback(ChatLoggerRating.Up, "Quick");
        chat.Feedback(ChatLoggerRating.Down);

        Assert.True(await logger.FlushAsync());

        Assert.Empty(acme.Errors);
        var stored = await acme.Chat(chat);
        Assert.Equal(
            (chat.ExternalId, "Order", "visitor-17", "shipping", "/cart", "down"),
            (stored.Text("externalId"), stored.Text("title"), stored.Text("externalUserId"), stored["tags"][0].GetString(),
                stored["metadata"].GetProperty("page").GetString(), stored["feedback"].GetProperty("rating").GetString()));
        Assert.Equal(["user: Where is my order?", "assistant: On its way."], await acme.Said(chat));
        var message = (await acme.Messages(chat.Id))[1];
        Assert.Equal(
            (answer.Id, "m-1", 120, 7, 4, 11),
            (message.GetProperty("id").GetGuid(), message.GetProperty("model").GetString(), message.GetProperty("latencyMs").GetInt32(),
                message.GetProperty("promptTokens").GetInt32(), message.GetProperty("completionTokens").GetInt32(),
                message.GetProperty("tokenCount").GetInt32()));
        Assert.Equal("""[{"id":"t1","name":"track","arguments":{"order":4}}]""", message.GetProperty("toolCalls").GetRawText());
        Assert.Equal("Quick", message.GetProperty("feedback").GetProperty("comment").GetString());
        Assert.Equal(new ChatLoggerCounts(0, 4, 0, 0), logger.Counts);

        answer.Feedback(ChatLoggerRating.Down);
        Assert.True(await logger.FlushAsync());
        Assert.Equal("down", (await acme.Messages(chat.Id))[1].GetProperty("feedback").GetProperty("rating").GetString());
    }

    [Fact]
    public async Task The_host_sends_what_is_queued_when_it_ends()
    {
        var acme = await LogOrg.Of(app);
        var services = new ServiceCollection();
        services.AddChatLoggerClient(options =>
        {
            acme.Configure(options);
            options.FlushInterval = TimeSpan.FromMinutes(1);
        });
        var name = Guid.NewGuid().ToString();
        await using (var provider = services.BuildServiceProvider())
        {
            provider.GetRequiredService<ChatLoggerClient>().Chat(name).Message("user", "Hello");
        }
        Assert.Equal(name, Assert.Single(await acme.Chats()).GetProperty("externalId").GetString());

        var late = acme.Client();
        await late.DisposeAsync();
        late.Chat().Message("user", "Late");
        Assert.Equal("The client is disposed of.", Assert.Single(acme.Errors).Message);
        Assert.False(await late.FlushAsync());
    }

    [Fact]
    public async Task What_is_refused_is_dropped_and_told_and_its_neighbours_arrive()
    {
        var acme = await LogOrg.Of(app);
        await using var logger = acme.Client();
        var chat = logger.Chat();
        chat.Message("user", "First");
        chat.Message("robot", "Of no role");
        chat.Message("user", new string('x', 300_000));
        chat.Message("user", "Half \ud83d and \0");
        chat.Message(new("user", "From tomorrow") { CreatedAt = app.Clock.GetUtcNow().AddDays(1) }).Feedback(ChatLoggerRating.Up);
        var wrong = logger.Chat(null, new() { Tags = [new string('x', 65)] });
        wrong.Message("user", "Lost");

        Assert.True(await logger.FlushAsync());

        Assert.Equal(
            ["user: First", "user: From tomorrow", "user: Half \ufffd and \ufffd"], (await acme.Said(chat)).Order(StringComparer.Ordinal));
        Assert.Equal([400, 400, 404], acme.Errors.Select(error => error.Status));
        Assert.Contains("Of no role", acme.Errors[0].Item, StringComparison.Ordinal);
        Assert.Equal(3, logger.Counts.Dropped);
    }

    [Fact]
    public async Task An_embedded_file_is_sent_as_its_type_size_and_hash()
    {
        var acme = await LogOrg.Of(app);
        await using var logger = acme.Client();
        var file = RandomNumberGenerator.GetBytes(100_000);
        var url = $"data:image/png;base64,{Convert.ToBase64String(file)}";
        var hash = Convert.ToHexStringLower(SHA256.HashData(file));
        var chat = logger.Chat();
        chat.Message(new("user") { Parts = [new() { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = url } }] });
        chat.Message("user", $"See {url}");
        Assert.True(await logger.FlushAsync());
        var messages = await acme.Messages(chat.Id);
        Assert.Equal(
            $$"""[{"type":"image_url","mediaType":"image/png","bytes":100000,"sha256":"{{hash}}"}]""",
            messages[0].GetProperty("parts").GetRawText());
        Assert.Equal($"See [image/png, 100000 bytes, sha256 {hash}]", messages[1].GetProperty("content").GetString());
        Assert.Equal(2, logger.Counts.EmbeddedFiles);
    }

    [Fact]
    public async Task Lost_requests_and_lost_answers_lose_and_double_nothing()
    {
        var acme = await LogOrg.Of(app);
        var faults = new Faults();
        await using var logger = acme.Client(faults, options => options.FlushInterval = TimeSpan.FromMilliseconds(5));
        var chats = Enumerable.Range(0, 4).Select(_ => logger.Chat()).ToList();
        var logged = chats.ToDictionary(chat => chat, _ => new List<string>());
        for (var i = 0; i < 400; i++)
        {
            var chat = chats[i % chats.Count];
            chat.Message("user", $"Message {i}");
            logged[chat].Add($"user: Message {i}");
            if (i % 40 == 20)
                await logger.FlushAsync();
        }
        Assert.True(await logger.FlushAsync());

        Assert.True(faults.LostAnswers >= 2 && faults.LostRequests >= 2, $"{faults.LostAnswers} and {faults.LostRequests}");
        Assert.Empty(acme.Dropped);
        foreach (var (chat, messages) in logged)
            Assert.Equal(messages, await acme.Said(chat));
    }

    [Fact]
    public async Task A_wrong_key_is_told_and_holds_no_shutdown_up()
    {
        var acme = await LogOrg.Of(app);
        var logger = acme.Client(change: options => (options.Key, options.ShutdownTimeout) = ("clk_wrong", TimeSpan.FromSeconds(0.5)));
        logger.Chat().Message("user", "Hello");
        await Wait.For(logger.DisposeAsync().AsTask());
        Assert.Equal((401, true), (acme.Errors[0].Status, acme.Errors[0].WillRetry));
        Assert.Contains("Hello", Assert.Single(acme.Dropped).Item, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ChatLoggerClient(new ChatLoggerClientOptions()));
    }

    [Fact]
    public async Task Beyond_its_bound_the_queue_drops_the_oldest_and_a_refused_batch_is_halved()
    {
        var acme = await LogOrg.Of(app);
        var gate = new Gate();
        await using var logger = acme.Client(gate, options => options.MaxQueued = 20);
        var chat = logger.Chat();
        chat.Message("user", "First");
        var flushing = logger.FlushAsync();
        await Wait.For(gate.Entered.Task);
        for (var i = 0; i < 23; i++)
            chat.Message("user", i == 15 ? "Too much" : $"Message {i}");
        Assert.Equal(
            ["Message 0", "Message 1", "Message 2"],
            acme.Errors.Select(error => JsonNode.Parse(error.Item!)!["content"]!.GetValue<string>()));
        gate.Open.SetResult();
        Assert.True(await flushing);
        Assert.True(await logger.FlushAsync());
        Assert.Equal(20, (await acme.Messages(chat.Id)).Length);
        Assert.Equal((413, 4L), (acme.Dropped.Last().Status, logger.Counts.Dropped));
    }

    /// <summary>Every third request is lost before the service gets it, and every third answer after it has.</summary>
    private sealed class Faults() : DelegatingHandler(new SocketsHttpHandler())
    {
        private int _requests;

        public int LostRequests { get; private set; }

        public int LostAnswers { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var fate = _requests++ % 3;
            if (fate == 0)
            {
                LostRequests++;
                throw new HttpRequestException("The request is lost.");
            }
            var response = await base.SendAsync(request, cancellationToken);
            if (fate == 1)
            {
                LostAnswers++;
                throw new HttpRequestException("The answer is lost.");
            }
            return response;
        }
    }

    /// <summary>Holds the first request, and refuses whole batches that say too much.</summary>
    private sealed class Gate() : DelegatingHandler(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.None })
    {
        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Entered.TrySetResult();
            await Open.Task.WaitAsync(cancellationToken);
            var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            if (request.Content.Headers.ContentEncoding.Count > 0)
            {
                using var unpacked = new MemoryStream();
                await new System.IO.Compression.GZipStream(new MemoryStream(body), System.IO.Compression.CompressionMode.Decompress)
                    .CopyToAsync(unpacked, cancellationToken);
                body = unpacked.ToArray();
            }
            return Encoding.UTF8.GetString(body).Contains("Too much", StringComparison.Ordinal)
                ? new HttpResponseMessage(HttpStatusCode.RequestEntityTooLarge) { Content = new StringContent("{}") }
                : await base.SendAsync(request, cancellationToken);
        }
    }
}
