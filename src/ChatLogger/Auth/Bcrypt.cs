using System.Buffers;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace ChatLogger.Auth;

/// <summary>
/// bcrypt by BCrypt.Net-Next: makes <c>$2a$</c>, verifies <c>$2a$</c>, <c>$2b$</c> and <c>$2y$</c>, which are one algorithm under three names.
/// <c>$2x$</c>, the mark of an old bug, is refused.
/// </summary>
/// <remarks>
/// The library ignores everything after 72 bytes. Here such a password is refused, and so is one with a NUL or without a UTF-8 form (a lone
/// surrogate), for otherwise two passwords would match the same hash. A hash that is malformed never reaches the library, which would throw.
/// </remarks>
/// <param name="cost">The binary logarithm of the work, 4 to 31: one more, twice the time.</param>
internal sealed partial class Bcrypt(int cost = 11) : IPasswordHasher
{
    private readonly int _cost = cost is >= 4 and <= 31
        ? cost
        : throw new ArgumentOutOfRangeException(nameof(cost), cost, "The cost of bcrypt is 4 to 31.");

    public string Hash(string password)
    {
        ArgumentNullException.ThrowIfNull(password);
        return IsPossible(password)
            ? BCrypt.Net.BCrypt.HashPassword(password, BCrypt.Net.BCrypt.GenerateSalt(_cost, 'a'))
            : throw new ArgumentException("bcrypt takes at most 72 bytes of UTF-8, without NUL or lone surrogates.", nameof(password));
    }

    public bool Verify(string password, string hash)
    {
        ArgumentNullException.ThrowIfNull(password);
        if (!WellFormed().IsMatch(hash))
            return false;
        // For what cannot be a password another one is hashed: the answer must not come sooner than any other.
        var possible = IsPossible(password);
        return BCrypt.Net.BCrypt.Verify(possible ? password : "", hash) & possible;
    }

    public bool NeedsRehash(string hash) =>
        WellFormed().Match(hash) is not { Success: true } match || int.Parse(match.Groups["cost"].ValueSpan, null) < _cost;

    private static bool IsPossible(string password)
    {
        Span<byte> utf8 = stackalloc byte[PasswordHashingQueue.MaxBytes];
        return Utf8.FromUtf16(password, utf8, out _, out _, replaceInvalidSequences: false) == OperationStatus.Done && !password.Contains('\0');
    }

    // Name, cost, salt and digest. The last characters of salt and digest hold more bits than their last bytes need, and these are zero.
    [GeneratedRegex(@"\A\$2[aby]\$(?<cost>0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]\z")]
    private static partial Regex WellFormed();
}
