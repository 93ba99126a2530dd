using System.Text;
using static ChatLogger.Testing.AnswerRules;

namespace ChatLogger.Tests.Contracts;

public abstract partial class ProblemTests
{
    private static readonly string Large = $"{{\"title\":\"{Marker}{new string('a', 1_100_000)}\"}}";

    [Theory]
    [InlineData("/api/v1/orgs/acme/chats", 1_048_577)]
    [InlineData("/api/v1/orgs/acme/chats", long.MaxValue)]
    [InlineData("/auth/login", 4_097)]
    [InlineData("/orgs/me/apikeys", 1_048_577)]
    public async Task A_body_declared_too_large_is_413_before_it_is_sent_for_every_caller(string path, long length)
    {
        foreach (var expectation in new[] { "X-Nothing: 1", "Expect: 100-continue" })
        {
            var answer = await Wire.Ask(
                app.Address,
                "POST",
                path,
                "Content-Type: application/json",
                $"Content-Length: {length}",
                expectation);

            answer.IsSafeProblem(413, "body-too-large");
        }
    }

    [Theory]
    [InlineData("/api/v1/orgs/acme/chats", 413)]
    [InlineData("/api/v1/orgs/acme/batch", 413)]
    [InlineData("/auth/login", 413)]
    [InlineData("/users/me", 405)]
    [InlineData("/no/such/route", 404)]
    public async Task A_client_that_sends_the_whole_refused_body_before_reading_gets_the_answer(string path, int status)
    {
        // More than what sockets hold between the two.
        var body = new byte[32 * 1024 * 1024];
        byte[] request =
        [
            .. Encoding.Latin1.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"),
            .. body,
        ];

        (await Wire.Send(app.Address, request)).Is(status);
    }

    [Fact]
    public async Task A_chunked_body_that_exceeds_the_limit_is_413()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        void Chunked(HttpRequestMessage request) => request.Headers.TransferEncodingChunked = true;

        (await plugin.Send(HttpMethod.Post, $"{acme.ApiPath}/chats", Caller.Json(Encoding.UTF8.GetBytes(Large)), Chunked)).IsSafeProblem(
            413,
            "body-too-large");
        (
            await app.Stranger.Send(HttpMethod.Post, "/auth/login", Caller.Json(Encoding.UTF8.GetBytes(Large[..4_097])), Chunked)
        ).IsSafeProblem(413, "body-too-large");
        (await plugin.Send(HttpMethod.Post, $"{acme.ApiPath}/chats", Caller.Json("{}"u8.ToArray()), Chunked)).Is(201).HasSecurityHeaders();

        Assert.Equal(1, await acme.Count("chats"));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(4_096, 4_096)]
    [InlineData(4_097, 4_097)]
    [InlineData(60_000, 60_000)]
    [InlineData(4_096, 1)]
    [InlineData(4_097, 1)]
    public async Task A_chunked_body_that_comes_with_its_head_has_the_same_limit(int length, int chunk)
    {
        var body = string.Concat(Enumerable.Repeat($"{chunk:x}\r\n{new string(' ', chunk)}\r\n", length / chunk)) + "0\r\n\r\n";

        var answer = await Wire.Send(
            app.Address,
            $"POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: "
                + $"chunked\r\n\r\n{body}");

        if (length <= 4_096)
            answer.IsSafeProblem(400, "validation");
        else
            answer.IsSafeProblem(413, "body-too-large");
    }

    [Theory]
    [InlineData("zz\r\n")]
    [InlineData("5\r\nabc")]
    [InlineData("-1\r\n\r\n")]
    [InlineData("FFFFFFFFFFFFFFFFFF\r\n")]
    public async Task Malformed_chunks_are_400(string body)
    {
        var answer = await Wire.Send(
            app.Address,
            $"POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: "
                + $"chunked\r\n\r\n{body}\r\nxxxx\r\n\r\n");

        answer.IsSafeProblem(400, "bad-request");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("")]
    [InlineData($"{Marker}")]
    [InlineData($"{{\"{Marker}\":1}}")]
    [InlineData($"{{\"title\":\"{Marker}\",\"title\":\"{Marker}\"}}")]
    [InlineData($"{{\"title\":{{\"{Marker}\":\"{Marker}\"}}}}")]
    [InlineData($"{{\"tags\":{{\"{Marker}\":[]}}}}")]
    [InlineData($"{{\"tags\":[\"{Marker}\",\"{Marker}\"]}}")]
    [InlineData($"{{\"userId\":\"{Marker}\"}}")]
    [InlineData($"{{\"metadata\":{{\"{Marker}\":1,\"{Marker}\":1}}}}")]
    [InlineData($"{{\"metadata\":{{\"{Marker}\":1e999}}}}")]
    [InlineData($"{{\"metadata\":{{\"{Marker}\":\"\\ud800\"}}}}")]
    [InlineData($"[\"{Marker}\"]")]
    public async Task A_refusal_of_a_body_repeats_nothing_of_it(string body)
    {
        var acme = await app.Org("acme");

        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", body)).IsSafeProblem(400, "validation");

        Assert.Equal(0, await acme.Count("chats"));
    }
}
