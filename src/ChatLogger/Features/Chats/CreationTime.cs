using ChatLogger.Auth;
using ChatLogger.Http;
using FluentValidation;

namespace ChatLogger.Features;

/// <summary>
/// The rules of a <c>createdAt</c> that a plugin sends: what an offline queue held may be some days old; older times and later ones are for
/// those who import.
/// </summary>
internal static class CreationTime
{
    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(72);

    private static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxAheadOfImport = TimeSpan.FromDays(1);

    /// <summary>
    /// Returns the 403 for a time that only a key with the scope import may send, or the 400 for one that is so far back that the
    /// organization would not keep it; null: the key may send it.
    /// </summary>
    public static ProblemException? Refuse(DateTimeOffset? createdAt, PluginCaller caller, DateTimeOffset now)
    {
        if (createdAt is not { } at)
            return null;
        if (at < now - MaxAge && !caller.May(KeyScope.Import))
            return ProblemException.Forbidden(
                $"A createdAt more than {MaxAge.TotalHours} hours back needs a key with the scope {KeyScope.Import}.");
        return caller.Policy.RetentionDays is { } days && at < now - TimeSpan.FromDays(days)
            ? ProblemException.Validation(
                "createdAt", $"Is older than the {days} {(days == 1 ? "day" : "days")} for which this organization keeps chats.")
            : null;
    }

    public static void CreationTimeOf<T>(
        this AbstractValidator<T> validator, Func<T, (DateTimeOffset? At, bool MayImport)> said, TimeProvider time) =>
        validator.RuleFor(command => command).Custom((command, context) =>
        {
            var (createdAt, mayImport) = said(command);
            if (createdAt is not { } at)
                return;
            if (at < DateTimeOffset.UnixEpoch || at > time.GetUtcNow() + (mayImport ? MaxAheadOfImport : MaxAhead))
                context.AddFailure("createdAt", mayImport ? "Must be from 1970 to a day from now." : "Must be at most a minute from now.");
        });

    /// <summary>The time in whole milliseconds, as responses and cursors have it.</summary>
    public static DateTimeOffset Or(this DateTimeOffset? createdAt, DateTimeOffset now) =>
        createdAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()) : now;
}
