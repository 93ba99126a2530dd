using System.IdentityModel.Tokens.Jwt;
using System.Security.Claims;
using Microsoft.IdentityModel.Tokens;

namespace ChatLogger.Auth;

/// <summary>
/// The token in the session cookie: a JWT (RFC 7519) that says which session it is and until when, and nothing of rights: role, organization
/// and state are looked up. Algorithm and type are pinned (RFC 8725, 3.1 and 3.11).
/// </summary>
internal sealed class SessionTokens
{
    private const string Issuer = "chatlogger";
    private const string Type = "session+jwt";
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);
    private static readonly string[] Required = ["sub", "sid", "iat", "nbf", "exp"];

    private readonly JwtSecurityTokenHandler _tokens = new() { MapInboundClaims = false, SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials _signing;
    private readonly TokenValidationParameters _rules;

    public SessionTokens(IReadOnlyList<byte[]> secrets, TimeProvider time)
    {
        var keys = secrets.Select(secret => new SymmetricSecurityKey(secret)).ToArray();
        _signing = new SigningCredentials(keys[0], SecurityAlgorithms.HmacSha256);
        _rules = new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidAudience = Issuer,
            IssuerSigningKeys = keys,
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            ValidTypes = [Type],
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            LifetimeValidator = (notBefore, expires, _, _) =>
                notBefore <= (time.GetUtcNow() + Skew).UtcDateTime && expires > (time.GetUtcNow() - Skew).UtcDateTime,
        };
    }

    public string Write(Guid sessionId, Guid userId, DateTimeOffset issued, DateTimeOffset expires)
    {
        var seconds = issued.ToUnixTimeSeconds();
        var header = new JwtHeader(_signing, null, Type);
        var payload = new JwtPayload
        {
            ["iss"] = Issuer,
            ["aud"] = Issuer,
            ["sub"] = userId.ToString(),
            ["sid"] = sessionId.ToString(),
            ["iat"] = seconds,
            ["nbf"] = seconds,
            ["exp"] = expires.ToUnixTimeSeconds(),
        };
        return _tokens.WriteToken(new JwtSecurityToken(header, payload));
    }

    /// <summary>Session and member, if the token is ours, whole and of this time; else null.</summary>
    public (Guid SessionId, Guid UserId)? Read(string token)
    {
        if (token.Length > 2_048)
            return null;
        try
        {
            var claims = _tokens.ValidateToken(token, _rules, out var read);
            // RFC 7515, 4.1.11: what must be understood and is not makes the token none. The library does not look.
            return !((JwtSecurityToken)read).Header.ContainsKey("crit")
                && Array.TrueForAll(Required, name => claims.HasClaim(claim => claim.Type == name))
                && Guid.TryParseExact(claims.FindFirstValue("sid"), "D", out var sessionId)
                && Guid.TryParseExact(claims.FindFirstValue("sub"), "D", out var userId)
                ? (sessionId, userId)
                : null;
        }
        // The library's answer to anything that is not such a token.
        catch (Exception exception) when (exception is SecurityTokenException or ArgumentException)
        {
            return null;
        }
    }
}
