using System.Text;
using ChatLogger.Http;
using FluentValidation;

namespace ChatLogger.Auth;

/// <summary>
/// Hashing and checking passwords, a few at a time: a flood of logins must not take the processor from everybody else. Who finds the queue
/// full, or waits in it for too long, is answered 503. None of this counts as the database's time.
/// </summary>
internal sealed class PasswordHashingQueue(IPasswordHasher hasher) : IHostedService, IDisposable
{
    /// <summary>bcrypt reads no further.</summary>
    public const int MaxBytes = 72;
    public const int MinBytes = 12;

    private const int MaxQueueLength = 32;

    private static readonly TimeSpan QueueTimeout = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _running = new(Math.Max(1, Environment.ProcessorCount - 1));

    // A hash that no password has, so that an unknown address takes as long as a wrong password.
    private readonly Lazy<string> _dummyHash = new(() => hasher.Hash(Guid.NewGuid().ToString("N")));
    private int _waiting;

    public Task<string> Hash(string password, CancellationToken ct) => Enqueue(() => hasher.Hash(password), ct);

    /// <summary>Whether the password is right. Without a stored hash the same work is done, and the answer is no.</summary>
    public Task<bool> Verify(string password, string? hash, CancellationToken ct) =>
        Enqueue(
            () =>
            {
                // Made by whoever is first, not by whoever is first to be unknown: that would take twice as long.
                var decoy = _dummyHash.Value;
                return hasher.Verify(password, hash ?? decoy) & hash is not null;
            },
            ct);

    public bool NeedsRehash(string hash) => hasher.NeedsRehash(hash);

    // The first login after a start neither waits for the compiler nor makes the hash for unknown addresses.
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
            // Each on a thread of its own: it takes too long for one of the few that serve requests.
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
    /// <summary>A password that is being set; null is left alone.</summary>
    public static IRuleBuilderOptions<T, string?> NewPassword<T>(this IRuleBuilder<T, string?> rule) => rule
        .Must(password => password is null || Encoding.UTF8.GetByteCount(password) is >= PasswordHashingQueue.MinBytes and <= PasswordHashingQueue.MaxBytes)
        .WithMessage($"Must have {PasswordHashingQueue.MinBytes} to {PasswordHashingQueue.MaxBytes} bytes in UTF-8.")
        .Must(password => password is null || TextSafety.IsSafe(password))
        .WithMessage("Must be text without NUL.");
}
