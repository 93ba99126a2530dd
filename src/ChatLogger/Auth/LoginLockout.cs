using System.Security.Cryptography;
using System.Text;
using ChatLogger.Data;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>The counters of a wrong password: one for the account, and optionally one for the client's address.</summary>
internal sealed record LoginAttempt(byte[] Account, byte[]? Address)
{
    /// <summary>
    /// An e-mail address without an account is counted and locked too, so that the response does not reveal which accounts exist.
    /// </summary>
    public static LoginAttempt AtLogin(string email, ClientAddress address) =>
        new(Hash($"account/{EmailAddress.Normalize(email) ?? email}"), Hash($"address/{(address.IsV6 ? 6 : 4)}/{address.Prefix:x}"));

    /// <summary>
    /// A member with a session who confirms the password. It has its own counter: someone who only knows the e-mail address cannot keep a
    /// member from changing the password, and someone who only has the session cannot keep the member from logging in.
    /// </summary>
    public static LoginAttempt InSession(Guid userId) => new(Hash($"member/{userId}"), null);

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

/// <summary>The remaining lockout of account and address; null where there is none.</summary>
internal readonly record struct LockoutStatus(TimeSpan? Account, TimeSpan? Address);

/// <summary>
/// Counts wrong passwords in the database, by its clock, for all instances together. The decision about an attempt locks its counters until
/// the transaction ends, so concurrent attempts are decided one after the other. All transactions lock rows in the same order, so they
/// cannot deadlock.
/// </summary>
internal sealed class LoginLockout(NpgsqlDataSource db, RateLimits limits)
{
    private readonly RateLimits.LockoutLimits _limits = limits.Login;

    /// <summary>Reads the lockout status before the expensive hashing; it may change until the decision.</summary>
    public async Task<LockoutStatus> Check(LoginAttempt attempt, CancellationToken ct) =>
        ToStatus(attempt, await db.ReadAsync<FailureRow>(
            """
            select subject, failures, extract(epoch from window_ends_at - now())::float8 as seconds
            from password_failures
            where subject in (@Account, @Address)
              and window_ends_at > now()
            """,
            attempt,
            ct));

    /// <summary>Locks the counters and returns the lockout status, which cannot change until the transaction ends.</summary>
    public async Task<LockoutStatus> LockCounters(Sql.Transaction transaction, LoginAttempt attempt) =>
        ToStatus(attempt, await transaction.QueryAsync<FailureRow>(
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

    /// <summary>Counts an attempt that was wrong or locked out. The caller must hold the counters' locks.</summary>
    public static Task CountFailure(Sql.Transaction transaction, LoginAttempt attempt) =>
        transaction.ExecuteAsync(
            """
            with expired as (
                delete from password_failures
                where ctid = any(array(
                    select ctid
                    from password_failures
                    where window_ends_at <= now()
                    order by window_ends_at
                    limit 10
                    for update skip locked
                ))
            )
            update password_failures
            set failures = failures + 1
            where subject in (@Account, @Address)
            """,
            attempt);

    /// <summary>
    /// Resets the account's counter after a correct password, but not the address's. The caller must hold the counters' locks.
    /// </summary>
    public static Task Reset(Sql.Transaction transaction, LoginAttempt attempt) =>
        transaction.ExecuteAsync(
            """
            delete from password_failures
            where subject = @Account
               or (subject = @Address and failures = 0)
            """,
            attempt);

    private LockoutStatus ToStatus(LoginAttempt attempt, IReadOnlyList<FailureRow> rows) => new(
        Wait(rows, attempt.Account, _limits.FailuresPerAccount),
        limits.Enabled && attempt.Address is { } address ? Wait(rows, address, _limits.FailuresPerAddress) : null);

    private static TimeSpan? Wait(IReadOnlyList<FailureRow> rows, byte[] subject, int most) =>
        rows.FirstOrDefault(row => row.Subject.AsSpan().SequenceEqual(subject)) is { } row && row.Failures >= most
            ? TimeSpan.FromSeconds(row.Seconds)
            : null;

    private sealed record FailureRow(byte[] Subject, int Failures, double Seconds);
}
