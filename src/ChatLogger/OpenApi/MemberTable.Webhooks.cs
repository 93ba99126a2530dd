using ChatLogger.Http;
using ChatLogger.Webhooks;

namespace ChatLogger.OpenApi;

internal sealed partial class MemberTable
{
    private static Dictionary<string, Member> WebhookMembers(Limits limits)
    {
        var url = new Member("The https address that is called, at port 443 or from 1024 on.")
        {
            MinLength = 1,
            MaxLength = TargetUrl.MaxLength,
            Format = "uri",
        };
        var events = new Member("What is told.") { Set = nameof(WebhookEvent), MinItems = 1, Unique = true };
        var state = new Member("Whether it is delivered to.") { Set = nameof(WebhookState) };
        var members = new Dictionary<string, Member>
        {
            ["webhookId"] = new("The webhook's id.") { Format = "uuid", Example = "01934f2e-7a20-7c3d-8e4f-5a6b7c8d9e0f" },
            ["deliveryId"] = new("The delivery's id, which is the header `webhook-id`.")
            {
                Format = "uuid",
                Example = "01934f2e-7a21-7c3d-8e4f-5a6b7c8d9e0f",
            },
            ["url"] = url,
            ["withContent"] = new("Whether payloads contain what was said, or ids only."),
            ["idleMinutes"] = new($"After so many minutes without a message a chat is idle; by default {Webhook.DefaultIdleMinutes}.")
            {
                Minimum = 1,
                Maximum = Webhook.MaxIdleMinutes,
            },
            ["description"] = new("What it is for.") { MaxLength = limits.NameLength },
            ["failingSince"] = new("Since when no delivery has succeeded; null: the last one did, or there was none."),
            ["secret"] = new("What deliveries are signed with. It is shown this once."),
            ["event"] = new("What is told.") { Set = "DeliveredEvent" },
            ["Delivery.chatId"] = new("The chat that it is about; null: it is about no chat."),
            ["Delivery.status"] = new("What became of it.") { Set = nameof(DeliveryStatus) },
            ["ListDeliveriesRequest.status"] = new("What became of them.")
            {
                Set = nameof(DeliveryStatus),
                Example = DeliveryStatus.Failed,
            },
            ["attempts"] = new("How often it was sent, since it was last asked for."),
            ["responseStatus"] = new("The status of the last answer; null: there was none."),
            ["Delivery.error"] = new("Why the last attempt failed; null: it did not, or there was none.") { Set = nameof(DeliveryError) },
            ["Delivery.at"] = new("When it was recorded."),
            ["lastAttemptAt"] = new("When it was last sent; null: it was not yet."),
            ["nextAttemptAt"] = new("Not before this it is sent again; null: it is not."),
        };
        foreach (var shape in new[] { "Webhook", "NewWebhook", "CreateWebhookRequest", "ChangeWebhookRequest" })
        {
            members[$"{shape}.events"] = events;
            members[$"{shape}.state"] = state;
        }
        return members;
    }
}
