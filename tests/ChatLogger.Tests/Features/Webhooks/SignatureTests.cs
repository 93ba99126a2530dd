using Microsoft.AspNetCore.Http;
using StandardWebhooks;

namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>Deliveries are signed by Standard Webhooks. No test here moves the clock: others verify by the real one.</summary>
public sealed class SignatureTests(WebhookApp app) : IClassFixture<WebhookApp>
{
    [Fact]
    public async Task A_delivery_is_signed_as_an_independent_implementation_of_Standard_Webhooks_expects()
    {
        await using var receiver = await Receiver.Start();
        var acme = await app.Org("acme");
        var webhook = await (await acme.Admin()).Webhook(receiver.Url);
        await acme.Say(await acme.Chat(), "Grüße, 😀");

        foreach (var each in await receiver.Next(2))
        {
            var verifier = new StandardWebhook(webhook.Text("secret"));
            verifier.Verify(each.Text, Headers(each));
            Assert.ThrowsAny<Exception>(() => verifier.Verify(each.Text + " ", Headers(each)));
            var other = new StandardWebhook("whsec_" + Convert.ToBase64String(new byte[32]));
            Assert.ThrowsAny<Exception>(() => other.Verify(each.Text, Headers(each)));
            Assert.Equal("application/json", each.Headers["Content-Type"]);
            Assert.StartsWith("ChatLogger-Webhooks/", each.Headers["User-Agent"], StringComparison.Ordinal);
            Assert.False(each.Headers.ContainsKey("traceparent"));
            Assert.True(Verifier.IsValid(webhook.Text("secret"), each.Headers, each.Body, DateTimeOffset.UtcNow));
            Assert.False(Verifier.IsValid(webhook.Text("secret"), each.Headers, each.Body, DateTimeOffset.UtcNow.AddMinutes(6)));
        }
    }

    private static HeaderDictionary Headers(Received received)
    {
        var headers = new HeaderDictionary();
        foreach (var (name, value) in received.Headers)
            headers[name] = value;
        return headers;
    }
}
