using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ChatLogger.Configuration;
using ChatLogger.Data;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;

namespace ChatLogger.Tests.Data;

/// <summary>A failed start names the cause of a TLS failure at once.</summary>
public sealed class TlsFailureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("chatlogger-tls-").FullName;
    private readonly X509Certificate2 _authority = Authority();

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("?sslmode=verify-full", "localhost", "not signed by an authority this machine trusts")]
    [InlineData("?sslmode=verify-ca&sslrootcert=other.pem", "localhost", "not signed by a certificate in")]
    [InlineData("?sslmode=require&sslrootcert=other.pem", "localhost", "not signed by a certificate in")]
    [InlineData("?sslmode=verify-full&sslrootcert=ours.pem", "elsewhere.example", "for another host than localhost: CN=elsewhere.example")]
    [InlineData("?sslmode=verify-full&sslnegotiation=direct&sslrootcert=ours.pem", "elsewhere.example", "for another host than localhost")]
    [InlineData(
        "?sslmode=verify-full&sslrootcert=missing.pem",
        "localhost",
        "Root Certificate (sslrootcert) is a file that cannot be read"
    )]
    [InlineData("?sslmode=verify-full&sslcert=missing.pem", "localhost", "SSL Certificate (sslcert) is a file that cannot be read")]
    [InlineData("?sslmode=require", null, "the server speaks no TLS, but SSL Mode (sslmode) is Require")]
    public async Task The_cause_is_named(string parameters, string? host, string cause)
    {
        using var stranger = Authority();
        await File.WriteAllTextAsync(Path.Combine(_folder, "ours.pem"), _authority.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(_folder, "other.pem"), stranger.ExportCertificatePem());
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var certificate = host is null ? null : Signed(host);
        _ = Serve(listener, certificate);
        var url =
            $"postgres://me:hunter2@localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/chat"
                + $"{parameters.Replace("sslrootcert=", $"sslrootcert={_folder}/").Replace("sslcert=", $"sslcert={_folder}/")}";

        var refusal = await Assert.ThrowsAsync<StartupException>(async () =>
        {
            var settings = DatabaseSettings.Read(
                new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["DATABASE_URL"] = url }).Build(),
                new HostingEnvironment { EnvironmentName = "Production" });
            await using var database = new Database(settings, NullLoggerFactory.Instance);
            await database.Open(CancellationToken.None);
        });

        Assert.StartsWith("DATABASE_URL: ", refusal.Message);
        Assert.Contains(cause, refusal.Message);
        Assert.DoesNotContain("hunter2", refusal.Message);
    }

    // Imitates PostgreSQL up to the TLS handshake.
    private static async Task Serve(TcpListener listener, X509Certificate2? certificate)
    {
        while (true)
        {
            TcpClient client;
            try
            {
                client = await listener.AcceptTcpClientAsync();
            }
            catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
            {
                return;
            }
            _ = Task.Run(async () =>
            {
                using (client)
                {
                    try
                    {
                        var stream = client.GetStream();
                        var peek = new byte[1];
                        await client.Client.ReceiveAsync(peek, SocketFlags.Peek);
                        // 0x16 begins TLS at once (sslnegotiation=direct), anything else is the SSLRequest.
                        if (peek[0] != 0x16)
                        {
                            await stream.ReadExactlyAsync(new byte[8]);
                            await stream.WriteAsync(certificate is null ? "N"u8.ToArray() : "S"u8.ToArray());
                        }
                        if (certificate is null)
                            return;
                        await using var tls = new SslStream(stream);
                        await tls.AuthenticateAsServerAsync(
                            new SslServerAuthenticationOptions
                            {
                                ServerCertificate = certificate,
                                ApplicationProtocols = [new("postgresql")],
                            });
                        await tls.ReadExactlyAsync(new byte[1]);
                    }
                    catch (Exception refused)
                        when (refused is IOException or System.Security.Authentication.AuthenticationException or SocketException)
                    { }
                }
            });
        }
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Authority {Guid.NewGuid():N}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private X509Certificate2 Signed(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3, 4]);
        using var both = signed.CopyWithPrivateKey(key);
        // SslStream wants a key that is not only in memory, on some systems.
        return X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null);
    }
}
