using System.Buffers;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace ChatLogger.Auth;

/// <summary>
/// bcrypt by BCrypt.Net-Next: creates <c>$2a$</c> and verifies <c>$2a$</c>, <c>$2b$</c> and <c>$2y$</c>, which are three names of one
/// algorithm. It rejects <c>$2x$</c>, which marks hashes of an old buggy implementation.
/// </summary>
/// <remarks>
/// The library ignores everything after 72 bytes. This class rejects such passwords, and those with a NUL or without a UTF-8 form (a lone
/// surrogate), because otherwise two passwords would match the same hash. It never passes a malformed hash to the library, which would
/// throw.
/// </remarks>
/// <param name="cost">The binary logarithm of the work, 4 to 31: each step doubles the time.</param>
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
        // For an impossible password, hashes another one instead, so that the response time does not reveal it.
        var possible = IsPossible(password);
        return BCrypt.Net.BCrypt.Verify(possible ? password : "", hash) & possible;
    }

    public bool NeedsRehash(string hash) =>
        WellFormed().Match(hash) is not { Success: true } match || int.Parse(match.Groups["cost"].ValueSpan, null) < _cost;

    private static bool IsPossible(string password)
    {
        Span<byte> utf8 = stackalloc byte[PasswordHashingQueue.MaxBytes];
        return Utf8.FromUtf16(password, utf8, out _, out _, replaceInvalidSequences: false) == OperationStatus.Done
            && !password.Contains('\0');
    }

    // Algorithm, cost, salt and digest. The last characters of salt and digest hold more bits than their last bytes need; these bits are
    // zero.
    [GeneratedRegex(@"\A\$2[aby]\$(?<cost>0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]\z")]
    private static partial Regex WellFormed();
}
