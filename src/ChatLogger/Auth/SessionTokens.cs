using System.Buffers;
using System.IdentityModel.Tokens.Jwt;
using System.Security.Claims;
using Microsoft.IdentityModel.Tokens;

namespace ChatLogger.Auth;

/// <summary>
/// The token in the session cookie: a JWT (RFC 7519) that names the session and its expiry but grants nothing: role, organization and state
/// are looked up. Algorithm and type are pinned (RFC 8725, 3.1 and 3.11).
/// </summary>
internal sealed class SessionTokens
{
    private const string Issuer = "chatlogger";
    private const string Type = "session+jwt";

    /// <summary>
    /// The first part of every token that this service issues, with its dot: <c>{"alg":"HS256","typ":"session+jwt"}</c> in base64url.
    /// </summary>
    private const string Header = "eyJhbGciOiJIUzI1NiIsInR5cCI6InNlc3Npb24rand0In0.";

    private const int MaxLength = 2_048;

    // The base64url alphabet, and the dot between payload and signature.
    private static readonly SearchValues<char> Characters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

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

    /// <summary>Returns session and member if the token is authentic, complete and currently valid; else null.</summary>
    public (Guid SessionId, Guid UserId)? Read(string token)
    {
        // A header that differs from ours in a single byte never reaches the library, which throws many kinds of exceptions on unexpected
        // headers.
        if (token.Length > MaxLength || !token.StartsWith(Header, StringComparison.Ordinal))
            return null;
        var rest = token.AsSpan(Header.Length);
        if (rest.Count('.') != 1 || rest.ContainsAnyExcept(Characters))
            return null;
        try
        {
            var claims = _tokens.ValidateToken(token, _rules, out _);
            return Array.TrueForAll(Required, name => claims.HasClaim(claim => claim.Type == name))
                && Guid.TryParseExact(claims.FindFirstValue("sid"), "D", out var sessionId)
                && Guid.TryParseExact(claims.FindFirstValue("sub"), "D", out var userId)
                ? (sessionId, userId)
                : null;
        }
        // The library parses the payload before it checks the signature, so an attacker chooses its input. Every exception is caused by
        // that input, because reading a token depends on nothing else that could fail.
        catch (Exception)
        {
            return null;
        }
    }
}
