namespace ChatLogger.Auth;

/// <summary>Turns a password into what may be stored, and recognises it later.</summary>
/// <remarks>Hashing and verifying are slow on purpose and keep a core busy; the caller decides how many run at once.</remarks>
internal interface IPasswordHasher
{
    /// <summary>A new hash of the password, with a salt of its own.</summary>
    /// <exception cref="ArgumentException">The password cannot be hashed without losing a part of it.</exception>
    string Hash(string password);

    /// <summary>
    /// Whether the hash was made from the password. A malformed hash belongs to no password, and a password that <see cref="Hash"/> would
    /// refuse has no hash: both are false, never an exception. For a well-formed hash every password, even such a one, takes the same time.
    /// </summary>
    bool Verify(string password, string hash);

    /// <summary>Whether a hash should be replaced: its cost is lower than the configured one, or it is no hash of this kind.</summary>
    bool NeedsRehash(string hash);
}
