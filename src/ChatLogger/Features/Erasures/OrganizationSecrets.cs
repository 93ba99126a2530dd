using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ChatLogger.Data;
using ChatLogger.Http;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// The secrets of organizations, under which HMACs stand for what is gone. A secret is made with its organization and never changes, so it
/// is read once.
/// </summary>
internal sealed class OrganizationSecrets([FromKeyedServices(Pools.Plugins)] NpgsqlDataSource db)
{
    private const int MaxKnown = 10_000;

    private readonly ConcurrentDictionary<Guid, OrganizationSecret> _known = [];

    /// <exception cref="ProblemException">404: there is no such organization.</exception>
    public async ValueTask<OrganizationSecret> Of(Guid orgId, CancellationToken ct)
    {
        if (_known.TryGetValue(orgId, out var known))
            return known;
        var secret = await db.ReadSingleOrDefaultAsync<byte[]>(
            "select secret from organizations where id = @OrgId", new { OrgId = orgId }, ct)
            ?? throw ProblemException.NotFound("No such organization.");
        if (_known.Count >= MaxKnown)
            _known.Clear();
        return _known[orgId] = new OrganizationSecret(secret);
    }
}

/// <summary>Makes the HMACs (SHA-256) of an organization. What each begins with says what it is of.</summary>
internal sealed class OrganizationSecret(byte[] secret)
{
    public byte[] OfEndUser(string externalUserId) => Hmac($"end-user\n{externalUserId}");

    public byte[] OfMember(Guid userId) => Hmac($"member\n{userId}");

    /// <summary>Of the caller's own name of a conversation, or the id of a trace that stands for one.</summary>
    public byte[] OfConversation(string externalId) => Hmac($"conversation\n{externalId}");

    public byte[] OfIdempotencyKey(string route, string key) => Hmac($"key\n{route}\n{key}");

    /// <summary>Computes the receipt of an erasure piece by piece.</summary>
    public IncrementalHash Receipt() => IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);

    private byte[] Hmac(string text) => HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(text));
}
