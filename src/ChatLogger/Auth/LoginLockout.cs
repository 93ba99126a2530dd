using System.Security.Cryptography;
using System.Text;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>What a wrong password counts against: an account, and perhaps the client's address.</summary>
internal sealed record LoginAttempt(byte[] Account, byte[]? Address)
{
    /// <summary>Whether there is such an account does not matter: it is counted, and locked, all the same.</summary>
    public static LoginAttempt AtLogin(string email, ClientAddress address) =>
        new(Hash($"account/{EmailAddress.Normalize(email) ?? email}"), Hash($"address/{(address.IsV6 ? 6 : 4)}/{address.Prefix:x}"));

    /// <summary>
    /// Somebody with a session who says the password again. Counted by itself: who only knows the e-mail address cannot keep a member from
    /// changing the password, and who only has the session cannot keep them from logging in.
    /// </summary>
    public static LoginAttempt InSession(Guid userId) => new(Hash($"member/{userId}"), null);

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

/// <summary>How long account and address have to wait; null where they have not.</summary>
internal readonly record struct LockoutStatus(TimeSpan? Account, TimeSpan? Address);

/// <summary>
/// Wrong passwords, counted in the database and by its clock, for all instances together. Whoever decides about a guess holds its counters until
/// the transaction ends, so guesses that come at the same moment are decided one after the other; rows are taken in one order, so no two wait
/// for each other.
/// </summary>
internal sealed class LoginLockout(NpgsqlDataSource db, RateLimits limits)
{
    private readonly RateLimits.LockoutLimits _limits = limits.Login;

    /// <summary>Before the work of hashing: how it stands, as far as that is known by now.</summary>
    public async Task<LockoutStatus> Check(LoginAttempt attempt, CancellationToken ct) =>
        ToStatus(attempt, await db.QueryAsync<Row>(
            """
            select subject, failures, extract(epoch from window_ends_at - now())::float8 as seconds
            from password_failures
            where subject in (@Account, @Address)
              and window_ends_at > now()
            """,
            attempt,
            ct));

    /// <summary>How it stands, and will until the transaction ends.</summary>
    public async Task<LockoutStatus> LockCounters(Sql.Transaction transaction, LoginAttempt attempt) =>
        ToStatus(attempt, await transaction.QueryAsync<Row>(
            """
            insert into password_failures as known (subject, failures, window_ends_at)
            select subject, 0, now() + make_interval(secs => @Seconds)
            from (values (@Account::bytea), (@Address::bytea)) guess (subject)
            where subject is not null
            order by subject
            on conflict (subject) do update
            set failures = case when known.window_ends_at > now() then known.failures else 0 end,
                window_ends_at = case when known.window_ends_at > now() then known.window_ends_at else excluded.window_ends_at end
            returning subject, failures, extract(epoch from window_ends_at - now())::float8 as seconds
            """,
            new { attempt.Account, attempt.Address, Seconds = _limits.Window.TotalSeconds }));

    /// <summary>A guess that was wrong, or came too late. To be held first.</summary>
    public static Task CountFailure(Sql.Transaction transaction, LoginAttempt attempt) =>
        transaction.ExecuteAsync(
            """
            with expired as (
                delete from password_failures
                where subject in (
                    select subject
                    from password_failures
                    where window_ends_at <= now()
                    order by window_ends_at
                    limit 10
                    for update skip locked
                )
            )
            update password_failures
            set failures = failures + 1
            where subject in (@Account, @Address)
            """,
            attempt);

    /// <summary>A guess that was right: the account begins anew, the address does not. To be held first.</summary>
    public static Task Reset(Sql.Transaction transaction, LoginAttempt attempt) =>
        transaction.ExecuteAsync(
            """
            delete from password_failures
            where subject = @Account
               or (subject = @Address and failures = 0)
            """,
            attempt);

    private LockoutStatus ToStatus(LoginAttempt attempt, IReadOnlyList<Row> rows) => new(
        Wait(rows, attempt.Account, _limits.FailuresPerAccount),
        limits.Enabled && attempt.Address is { } address ? Wait(rows, address, _limits.FailuresPerAddress) : null);

    private static TimeSpan? Wait(IReadOnlyList<Row> rows, byte[] subject, int most) =>
        rows.FirstOrDefault(row => row.Subject.AsSpan().SequenceEqual(subject)) is { } row && row.Failures >= most
            ? TimeSpan.FromSeconds(row.Seconds)
            : null;

    private sealed record Row(byte[] Subject, int Failures, double Seconds);
}
