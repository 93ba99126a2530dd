using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Explains why TLS to the database fails. The exception says that the certificate was rejected, but not why, so this class fetches the
/// certificate again.
/// </summary>
internal static class TlsFailure
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The length and code of the SSLRequest message.</summary>
    private static readonly byte[] SslRequest = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

    public static bool IsTlsFailure(NpgsqlException failure) =>
        Chain(failure).Any(each => each is AuthenticationException or CryptographicException)
        || failure.Message.Contains("No SSL enabled connection", StringComparison.Ordinal);

    public static async Task<string> Explain(NpgsqlException failure, NpgsqlConnectionStringBuilder connection, CancellationToken ct)
    {
        if (failure.Message.Contains("No SSL enabled connection", StringComparison.Ordinal))
            return $"the server speaks no TLS, but SSL Mode (sslmode) is {connection.SslMode}. "
                + "Turn ssl on at the server, or use another mode.";
        var technical = Chain(failure).Last().Message.ReplaceLineEndings(" ");
        var refused = await Verdict(connection, ct);
        return $"TLS with the server fails: {refused ?? technical}";
    }

    private static IEnumerable<Exception> Chain(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
            yield return failure;
    }

    private static async Task<string?> Verdict(NpgsqlConnectionStringBuilder connection, CancellationToken ct)
    {
        if (
            connection.SslMode is not (SslMode.VerifyCA or SslMode.VerifyFull)
            || connection.Host is not { } host
            || host.Contains(',', StringComparison.Ordinal))
            return null;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(ProbeTimeout);
        string? verdict = null;
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host, connection.Port, timeout.Token);
            var stream = client.GetStream();
            if (connection.SslNegotiation != SslNegotiation.Direct)
            {
                await stream.WriteAsync(SslRequest, timeout.Token);
                var answer = new byte[1];
                await stream.ReadExactlyAsync(answer, timeout.Token);
            }
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = host,
                    ApplicationProtocols = [new("postgresql")],
                    RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                    {
                        verdict = Evaluate((X509Certificate2?)certificate, chain, errors, connection);
                        return false;
                    },
                },
                timeout.Token);
        }
        catch (Exception failure)
            when (failure
                    is AuthenticationException
                        or IOException
                        or SocketException
                        or OperationCanceledException
                        or CryptographicException)
        {
            ct.ThrowIfCancellationRequested();
        }
        return verdict;
    }

    private static string? Evaluate(
        X509Certificate2? certificate,
        X509Chain? chain,
        SslPolicyErrors errors,
        NpgsqlConnectionStringBuilder connection)
    {
        if (certificate is null)
            return "the server shows no certificate.";
        var trusted = !errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors);
        if (connection.RootCertificate is { } file && chain is not null)
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(file);
            if (roots.Count == 0)
                return $"there is no certificate in {file} (Root Certificate, sslrootcert).";
            using var ours = new X509Chain
            {
                ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck },
            };
            ours.ChainPolicy.CustomTrustStore.AddRange(roots);
            foreach (var element in chain.ChainElements)
                ours.ChainPolicy.ExtraStore.Add(element.Certificate);
            trusted = ours.Build(certificate);
            chain = trusted ? chain : ours;
            if (!trusted)
                return $"its certificate ({certificate.Subject}) is not signed by a certificate in {file} (Root Certificate, "
                    + $"sslrootcert): {Status(ours)}.";
        }
        if (!trusted)
            return $"its certificate ({certificate.Subject}) is not signed by an authority this machine trusts: {Status(chain)}. "
                + "Name the authority's certificate in Root Certificate (sslrootcert).";
        return errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
            ? $"its certificate is for another host than {connection.Host}: {certificate.Subject}. "
                + "Connect by the name in the certificate, or use verify-ca."
            : null;
    }

    private static string Status(X509Chain? chain) =>
        string.Join(", ", (chain?.ChainStatus ?? []).Select(status => status.Status).Distinct());
}
