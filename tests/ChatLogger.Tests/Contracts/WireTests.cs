using System.Net.Sockets;
using System.Text;
using ChatLogger.Tests.Support;
using static ChatLogger.Testing.AnswerRules;

namespace ChatLogger.Tests.Contracts;

/// <summary>
/// Requests that no client sends by accident. Kestrel refuses some of them itself; its response may be empty and reveals nothing.
/// </summary>
public class WireTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Theory]
    [InlineData($"{Marker}\r\n\r\n", 400)]
    [InlineData($"GET {Marker} HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
    [InlineData("GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505)]
    [InlineData($"GET /{Marker}\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET /users/me HTTP/1.1\r\n\r\n", 400)]
    [InlineData($"GET /users/me HTTP/1.1\r\nHost: x\r\nHost: {Marker}\r\n\r\n", 400)]
    [InlineData($"GET /users/me HTTP/1.1\r\nHost: x\r\n{Marker}\r\n\r\n", 400)]
    [InlineData($"GET /users/me HTTP/1.1\r\nHost: x\r\nA: b\r\n {Marker}\r\n\r\n", 400)]
    [InlineData($"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: {Marker}\r\n\r\n", 400)]
    [InlineData("POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400)]
    [InlineData("POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400)]
    [InlineData($"POST /auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {Marker}\r\n\r\n", 400)]
    public async Task A_malformed_request_is_refused_without_internal_details(string request, int status)
    {
        var answer = (await Wire.Send(app.Address, request)).Is(status).TellsNothing();

        Assert.Null(answer.Header("Server"));
        if (answer.Body.Length > 0)
            answer.HasSecurityHeaders();
        (await app.Stranger.Get("/healthz/live")).Is(200);
    }

    [Fact]
    public async Task An_address_that_is_too_long_is_414_and_headers_that_are_too_large_are_431()
    {
        (await Wire.Ask(app.Address, "GET", "/" + new string('a', 9_000))).Is(414).TellsNothing();
        (await Wire.Ask(app.Address, "GET", "/users/me", $"A: {new string('a', 40_000)}")).Is(431).TellsNothing();
        (await Wire.Ask(app.Address, "GET", "/users/me", [.. Enumerable.Range(0, 200).Select(i => $"A{i}: b")])).Is(431).TellsNothing();
    }

    [Theory]
    [InlineData("Content-Length: 2\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 2")]
    [InlineData("transfer-encoding: chunked\r\ncontent-length: 0")]
    public async Task Two_lengths_are_an_attempt_at_smuggling(string lengths)
    {
        var acme = await app.Org("acme");
        var key = (await acme.Plugin()).Credential;

        var answer = await Wire.Send(
            app.Address,
            $"POST {acme.ApiPath}/chats HTTP/1.1\r\nHost: x\r\nx-organization-api-key: {key}\r\nContent-Type: "
                + $"application/json\r\n{lengths}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");

        answer.IsSafeProblem(400, "bad-request");
        Assert.Equal("close", answer.Header("Connection"));
        Assert.Equal(0, await acme.Count("chats"));
    }

    /// <summary>
    /// Where two readers of the same bytes might see two different requests: § stands for a request that is hidden in the body.
    /// </summary>
    [Theory]
    [InlineData("Content-Length: 2\r\nContent-Length: 2", "{}§")]
    [InlineData("Content-Length: 2, 2", "{}§")]
    [InlineData("Content-Length: 0x2", "{}§")]
    [InlineData("Content-Length: 2 2", "{}§")]
    [InlineData("Content-Length: 99999999999999999999", "{}§")]
    [InlineData("Content-Length: ", "{}§")]
    [InlineData("Content-Length : 2", "{}§")]
    [InlineData("Content-Length: 2\r\n 0", "{}§")]
    [InlineData(" Content-Length: 2", "{}§")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: identity", "{}§")]
    [InlineData("Transfer-Encoding: chunked, identity", "2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: xchunked", "2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: \"chunked\"", "2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding : chunked", "2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding:\u000bchunked", "2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding:\r\n chunked", "2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: chunked", "2;a=\nb\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: chunked", "2\n{}\n0\n\n§")]
    [InlineData("Transfer-Encoding: chunked", "2\r\n{}0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: chunked", "0x2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: chunked", " 2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: chunked", "+2\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Transfer-Encoding: chunked", "100000002\r\n{}\r\n0\r\n\r\n§")]
    [InlineData("Content-Length: 2\r\nA: b\rB: c", "{}§")]
    [InlineData("Content-Length: 2\r\nA: b\r\r\nB: c", "{}§")]
    [InlineData("Content-Length: 2\r\nA: b\0c", "{}§")]
    [InlineData("Content-Length: 2\r\nA\tB: c", "{}§")]
    [InlineData("Content-Length: 2\r\n: c", "{}§")]
    [InlineData("Content-Length: 2\r\nX-\u00e9: c", "{}§")]
    public async Task An_ambiguous_request_is_refused_and_the_connection_is_closed(string headers, string body)
    {
        var acme = await app.Org("acme");
        var key = (await acme.Plugin()).Credential;
        var head = $"POST {acme.ApiPath}/chats HTTP/1.1\r\nHost: x\r\nx-organization-api-key: {key}\r\nContent-Type: application/json\r\n";
        var hidden = $"{head}Content-Length: 18\r\n\r\n{{\"title\":\"hidden\"}}";

        var all = await Everything($"{head}{headers}\r\n\r\n{body.Replace("§", hidden, StringComparison.Ordinal)}");

        var answers = all.Split("HTTP/1.1 ").Skip(1).Select(answer => answer[..3]).ToList();
        Assert.True(answers.Count <= 1 && answers.All(status => status is "400" or "413" or "501"), all);
        Assert.Equal(0, await acme.Count("chats"));
    }

    /// <summary>All that comes until the service closes the connection, which it must.</summary>
    private async Task<string> Everything(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(app.Address.Host, app.Address.Port);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request));
        var received = new StringBuilder();
        var buffer = new byte[16_384];
        try
        {
            while (await Wait.For(client.GetStream().ReadAsync(buffer).AsTask()) is > 0 and var count)
                received.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        catch (IOException)
        {
            // Reset: closed with some of the request unread.
        }
        return received.ToString();
    }

    [Fact]
    public async Task A_body_that_never_arrives_writes_no_row()
    {
        var acme = await app.Org("acme");
        var key = (await acme.Plugin()).Credential;
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(app.Address.Host, app.Address.Port);
            await client
                .GetStream()
                .WriteAsync(
                    Encoding.ASCII.GetBytes(
                        $"POST {acme.ApiPath}/chats HTTP/1.1\r\nHost: x\r\nx-organization-api-key: {key}\r\nContent-Type: "
                            + $"application/json\r\nContent-Length: 20\r\n\r\n{{\"title\":\"half\"}}"));
            await Task.Delay(100);
        }

        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        Assert.Equal(1, await acme.Count("chats"));
        Assert.DoesNotContain(app.Log.All, line => line.Contains("failed unexpectedly", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Requests_in_a_row_on_one_connection_are_answered_in_a_row()
    {
        var one = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        var last = "GET /healthz/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        using var client = new TcpClient();
        await client.ConnectAsync(app.Address.Host, app.Address.Port);

        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(one + one + last));
        using var reader = new StreamReader(client.GetStream());
        var all = await reader.ReadToEndAsync();

        Assert.Equal(["400", "400", "200"], all.Split("HTTP/1.1 ").Skip(1).Select(answer => answer[..3]));
    }
}
