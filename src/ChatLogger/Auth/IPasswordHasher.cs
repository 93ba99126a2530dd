namespace ChatLogger.Auth;

/// <summary>Hashes passwords for storage and verifies them.</summary>
/// <remarks>Hashing and verifying are slow on purpose and keep a core busy; the caller limits how many run concurrently.</remarks>
internal interface IPasswordHasher
{
    /// <summary>Creates a new hash of the password with its own salt.</summary>
    /// <exception cref="ArgumentException">Part of the password would not contribute to the hash.</exception>
    string Hash(string password);

    /// <summary>
    /// Whether the hash was made from the password. Returns false, and never throws, for a malformed hash and for a password that
    /// <see cref="Hash"/> would reject. For a well-formed hash every password takes the same time, even a rejected one.
    /// </summary>
    bool Verify(string password, string hash);

    /// <summary>Whether a hash should be replaced, because its cost is lower than the configured one or it is of another kind.</summary>
    bool NeedsRehash(string hash);
}
