using System.Net;
using System.Net.Sockets;
using ChatLogger.Webhooks;
using Microsoft.Security.AntiSSRF;

namespace ChatLogger.Tests.Features.Webhooks;

/// <summary>A webhook calls no address that is not public, however it is written and whatever a name stands for.</summary>
public sealed class WallTests(WalledWebhookApp app) : IClassFixture<WalledWebhookApp>
{
    public static TheoryData<string> Private =>
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "100.100.100.200", "169.254.169.254", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
        // The same, written differently.
        "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "0xa9fea9fe", "2852039166",
        "0251.0376.0251.0376", "169.254.43518", "1.1.1.1.in-addr.localhost", "localhost", "LOCALHOST", "foo.localhost", "localhost.",
        "127.0.0.1.", "\uff11\uff12\uff17.0.0.1",
        // IPv6: unspecified, loopback, link-local, with a zone, site-local, unique local (and metadata there), multicast.
        "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[ff0e::1]",
        // IPv4 inside: mapped, compatible, translated (NAT64, of both kinds), 6to4, Teredo; and documentation, benchmarks, discard.
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[::127.0.0.1]", "[::7f00:1]", "[::10.0.0.1]",
        "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:808:808::1]",
        "[2001::1]", "[2001:db8::1]", "[2001:2::1]", "[3fff::1]", "[100::1]", "[5f00::1]", "[4000::1]",
    ];

    [Theory]
    [MemberData(nameof(Private))]
    public void An_address_that_is_not_public_is_refused_in_every_notation(string host) =>
        Assert.NotNull(TargetUrl.WhyNot($"https://{host}/hook", allowsPrivate: false));

    [Theory]
    [InlineData("https://hooks.example/path?token=1")]
    [InlineData("https://hooks.example:8443/")]
    [InlineData("https://8.8.8.8/")]
    [InlineData("https://172.32.0.1/")]
    [InlineData("https://[2606:4700:4700::1111]/")]
    [InlineData("https://[::ffff:8.8.8.8]/")]
    [InlineData("https://[64:ff9b::8.8.8.8]/")]
    [InlineData("https://bücher.example/")]
    public void A_public_one_is_taken(string url) => Assert.Null(TargetUrl.WhyNot(url, allowsPrivate: false));

    [Theory]
    [InlineData("http://hooks.example/")]
    [InlineData("ftp://hooks.example/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("hooks.example")]
    [InlineData("//hooks.example/")]
    [InlineData("https://")]
    [InlineData("https:///path")]
    [InlineData("https://user:password@hooks.example/")]
    [InlineData("https://hooks.example/#part")]
    [InlineData("https://hooks.example/#")]
    [InlineData("https://hooks.example:22/")]
    [InlineData("https://hooks.example:80/")]
    [InlineData("https://hooks.example:1023/")]
    [InlineData("https://hooks.example:0/")]
    [InlineData("https://hooks.example/a b")]
    [InlineData("https://hooks.example/\r\nHost: x")]
    public void Anything_else_is_refused(string url) => Assert.NotNull(TargetUrl.WhyNot(url, allowsPrivate: false));

    [Fact]
    public void Whatever_network_another_library_refuses_is_refused_here_too()
    {
        var refused = new AntiSSRFPolicy(PolicyConfigOptions.ExternalOnlyLatest).DeniedAddresses.Select(IPNetwork.Parse).ToList();
        Assert.True(refused.Count > 30, $"{refused.Count}");

        foreach (var network in refused)
        {
            for (var i = 0; i < 200; i++)
            {
                // What a gateway translates is public if the address in it is.
                var address = Within(network);
                if (!IPNetwork.Parse("64:ff9b::/96").Contains(address))
                    Assert.False(TargetAddress.IsPublic(address), $"{address} of {network}");
            }
        }
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("fd00:ec2::254", "10.0.0.1")]
    public async Task A_name_that_stands_for_a_private_address_is_not_called(params string[] addresses)
    {
        await using var receiver = await Receiver.Start();
        var (acme, admin) = await Acme();
        app.Names = (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray());
        var webhook = await admin.Webhook($"https://hooks.example:{receiver.Port}/", ["chat.created"]);

        await acme.Chat();
        await Failed(webhook);

        Assert.Equal("address-refused", await Error(admin, webhook));
        Assert.Empty(receiver.All);
    }

    [Fact]
    public async Task A_name_that_changes_its_meaning_after_it_was_checked_is_called_where_it_was_checked()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var calls = 0;
        // The first answer is public, any later one private. Nobody is at the public address.
        app.Names = (host, _) => Task.FromResult(new[]
        {
            host != "rebinding.example" || Interlocked.Increment(ref calls) == 1 ? Unroutable : IPAddress.Loopback,
        });
        var (acme, admin) = await Acme();
        var webhook = await admin.Webhook($"https://rebinding.example:{((IPEndPoint)listener.LocalEndpoint).Port}/", ["chat.created"]);

        await acme.Chat();
        await Failed(webhook);

        Assert.Equal(1, calls);
        Assert.NotEqual("address-refused", await Error(admin, webhook));
        Assert.False(listener.Pending());

        app.Clock.Advance(TimeSpan.FromMinutes(1));
        await app.Until(
            "select error = 'address-refused' from webhook_deliveries where webhook_id = @Webhook::uuid",
            new { Webhook = webhook.Text("id") });
        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task A_private_address_among_public_ones_is_not_called()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        app.Names = (_, _) => Task.FromResult(new[] { IPAddress.Loopback, Unroutable });
        var (acme, admin) = await Acme();
        var webhook = await admin.Webhook($"https://hooks.example:{((IPEndPoint)listener.LocalEndpoint).Port}/", ["chat.created"]);

        await acme.Chat();
        await Failed(webhook);

        Assert.False(listener.Pending());
    }

    [Fact]
    public async Task A_private_address_and_http_are_refused_when_a_webhook_is_made_or_changed()
    {
        var (_, admin) = await Acme();
        foreach (var url in new[] { "https://127.0.0.1/", "https://0x7f.1/", "https://[::ffff:10.0.0.1]/", "http://hooks.example/" })
            (await admin.Post(WebhookFixture.Path, new { url, events = new[] { "chat.created" } })).IsInvalid("url");
        var webhook = await admin.Webhook("https://hooks.example/");
        (await admin.Patch($"{WebhookFixture.Path}/{webhook.Text("id")}", new { url = "https://169.254.169.254/latest" })).IsInvalid("url");
    }

    // Of a network that nobody announces: whether a router refuses it at once or nobody answers, there is no connection.
    private static readonly IPAddress Unroutable = IPAddress.Parse("2001:ffff:ffff:ffff::1");

    private async Task<(Org Acme, Caller Admin)> Acme()
    {
        var acme = await app.Org("acme");
        return (acme, await acme.Admin());
    }

    private Task Failed(Answer webhook) => app.Until(
        "select count(*) = 1 from webhook_deliveries where webhook_id = @Webhook::uuid and error is not null",
        new { Webhook = webhook.Text("id") });

    private static async Task<string?> Error(Caller admin, Answer webhook) =>
        (await admin.Deliveries(webhook)).Is(200)["items"][0].GetProperty("error").GetString();

    private static IPAddress Within(IPNetwork network)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        for (var bit = network.PrefixLength; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] |= (byte)(Random.Shared.Next(2) << (7 - bit % 8));
        return new IPAddress(bytes);
    }
}
