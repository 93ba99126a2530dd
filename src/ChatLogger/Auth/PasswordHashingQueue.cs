using System.Text;
using ChatLogger.Http;
using FluentValidation;

namespace ChatLogger.Auth;

/// <summary>
/// Hashes and verifies passwords with limited concurrency, so that a flood of logins cannot starve other requests of CPU. A caller that
/// finds the queue full, or waits too long in it, gets 503. The waiting time does not count as database time.
/// </summary>
internal sealed class PasswordHashingQueue(IPasswordHasher hasher) : IHostedService, IDisposable
{
    /// <summary>bcrypt ignores every byte after these.</summary>
    public const int MaxBytes = 72;
    public const int MinBytes = 12;

    private const int MaxQueueLength = 32;

    private static readonly TimeSpan QueueTimeout = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _running = new(Math.Max(1, Environment.ProcessorCount - 1));

    // The hash of a random password that nobody knows: an unknown address takes as long as a wrong password.
    private readonly Lazy<string> _dummyHash = new(() => hasher.Hash(Guid.NewGuid().ToString("N")));
    private int _waiting;

    public Task<string> Hash(string password, CancellationToken ct) => Enqueue(() => hasher.Hash(password), ct);

    /// <summary>Whether the password is right. Without a stored hash it does the same work and returns false.</summary>
    public Task<bool> Verify(string password, string? hash, CancellationToken ct) =>
        Enqueue(
            () =>
            {
                // Every verification evaluates the dummy hash: if only an unknown address created it, that first response would take twice
                // as long.
                var decoy = _dummyHash.Value;
                return hasher.Verify(password, hash ?? decoy) & hash is not null;
            },
            ct);

    public bool NeedsRehash(string hash) => hasher.NeedsRehash(hash);

    // Warms up at startup, so that the first login waits neither for the JIT compiler nor for the creation of the dummy hash.
    public Task StartAsync(CancellationToken cancellationToken) => Verify("", null, cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _running.Dispose();

    private async Task<T> Enqueue<T>(Func<T> work, CancellationToken ct)
    {
        if (Interlocked.Increment(ref _waiting) > MaxQueueLength)
        {
            Interlocked.Decrement(ref _waiting);
            throw QueueFull();
        }
        using var pausing = Deadline.PauseCurrent(Timeout.InfiniteTimeSpan);
        try
        {
            if (!await _running.WaitAsync(QueueTimeout, ct))
                throw QueueFull();
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
        try
        {
            // Runs on a dedicated thread: hashing would block one of the few thread-pool threads that serve requests for too long.
            return await Task.Factory.StartNew(
                work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        }
        finally
        {
            _running.Release();
        }
    }

    private static ProblemException QueueFull() =>
        ProblemException.Unavailable("Too many passwords are being checked at once. Try again shortly.", TimeSpan.FromSeconds(2));
}

internal static class PasswordRules
{
    /// <summary>Validates a new password; accepts null.</summary>
    public static IRuleBuilderOptions<T, string?> NewPassword<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(password =>
                password is null
                || Encoding.UTF8.GetByteCount(password) is >= PasswordHashingQueue.MinBytes and <= PasswordHashingQueue.MaxBytes)
            .WithMessage($"Must have {PasswordHashingQueue.MinBytes} to {PasswordHashingQueue.MaxBytes} bytes in UTF-8.")
            .Must(password => password is null || TextSafety.IsSafe(password))
            .WithMessage("Must be text without NUL.");
}
