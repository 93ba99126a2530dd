using ChatLogger.Http;
using ChatLogger.Webhooks;
using FluentValidation;

namespace ChatLogger.Features;

/// <summary>Validation rules of webhooks. All accept null.</summary>
internal static class WebhookRules
{
    public static IRuleBuilderOptions<T, string?> TargetUrl<T>(this IRuleBuilder<T, string?> rule, WebhookSettings settings) =>
        rule.Must(url => url is null || ChatLogger.Webhooks.TargetUrl.WhyNot(url, settings.AllowPrivateTargets) is null)
            .WithMessage((_, url) => ChatLogger.Webhooks.TargetUrl.WhyNot(url!, settings.AllowPrivateTargets));

    public static IRuleBuilderOptions<T, string[]?> KnownEvents<T>(this IRuleBuilder<T, string[]?> rule) =>
        rule.Must(events => events is null
                || events.Length > 0 && events.All(WebhookEvent.All.Contains) && events.Distinct().Count() == events.Length)
            .WithMessage($"Must be at least one of: {string.Join(", ", WebhookEvent.All)}, each once.");

    public static IRuleBuilderOptions<T, int?> IdleMinutes<T>(this IRuleBuilder<T, int?> rule) => rule.Between(1, Webhook.MaxIdleMinutes);
}
