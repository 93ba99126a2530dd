using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Tests.Features.Analytics;
using ChatLogger.Tests.Features.Exports;
using ChatLogger.Webhooks;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Contracts;

public sealed partial class AuditTests
{
    /// <summary>For each action a caller that performs it; returns what the audit log must contain.</summary>
    private static readonly Dictionary<string, Func<Org, Trace, Task<Event>>> Stories = new()
    {
        [AuditAction.LoggedIn] = async (acme, trace) =>
        {
            var member = await acme.Member("viewer");
            (await trace.Send(acme.App.Stranger, "POST", "/auth/login", new { email = member.Email, password = Persona.Password })).Is(200);
            return new("member", $"{member.Id}", "member", $"{member.Id}");
        },
        [AuditAction.LoginRefused] = async (acme, trace) =>
        {
            var member = await acme.Member("viewer");
            (await trace.Send(acme.App.Stranger, "POST", "/auth/login", new { email = member.Email, password = "not the password" })).Is(
                401);
            return new("anonymous", null, "member", $"{member.Id}");
        },
        [AuditAction.LoggedOut] = async (acme, trace) =>
        {
            var member = await acme.Member("viewer");
            (await trace.Send(member.Caller, "POST", "/auth/logout")).Is(204);
            return new("member", $"{member.Id}", "member", $"{member.Id}");
        },
        [AuditAction.SessionEnded] = async (acme, trace) =>
        {
            var member = await acme.Member("viewer");
            await acme.App.LogIn(member.Email);
            var other = (await member.Caller.Get("/users/me/sessions"))["items"][0].GetProperty("id").GetString();
            (await trace.Send(member.Caller, "DELETE", $"/users/me/sessions/{other}")).Is(204);
            return new("member", $"{member.Id}", "session", other);
        },
        [AuditAction.AccessDenied] = async (acme, trace) =>
        {
            var member = await acme.Member("viewer");
            (await trace.Send(member.Caller, "DELETE", $"/orgs/me/apikeys/{Guid.CreateVersion7()}")).Is(403);
            return new("member", $"{member.Id}", "route", "DELETE /orgs/{org}/apikeys/{keyId}");
        },
        [AuditAction.OrganizationCreated] = (acme, trace) =>
        {
            trace.IsNone();
            return Task.FromResult(new Event("operator", "test", "organization", $"{acme.Id}"));
        },
        [AuditAction.OrganizationChanged] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            (await trace.Send(member.Caller, "PATCH", "/orgs/me", new { name = "Acme & Sons" })).Is(200);
            return new("member", $"{member.Id}", "organization", $"{acme.Id}");
        },
        [AuditAction.OrganizationDeleted] = async (acme, trace) =>
        {
            var root = await acme.App.Superadmin();
            (await trace.Send(root, "DELETE", $"/orgs/{acme.Slug}")).Is(202);
            return new("superadmin", (await root.Get("/users/me")).Text("id"), "organization", $"{acme.Id}");
        },
        [AuditAction.Throttled] = async (acme, trace) =>
        {
            var member = await acme.Member("viewer");
            for (var i = 0; i < 60; i++)
                (await member.Caller.Get("/analytics/orgs/me/summary?x")).Is(400);
            (await trace.Send(member.Caller, "GET", "/analytics/orgs/me/summary")).Is(429);
            return new("member", $"{member.Id}", "route", "GET /analytics/orgs/{org}/summary");
        },
        [AuditAction.MemberCreated] = async (acme, trace) =>
        {
            trace.IsNone();
            return new("operator", "test", "member", $"{(await acme.Member("viewer")).Id}");
        },
        [AuditAction.MemberChanged] = async (acme, trace) =>
        {
            var member = await acme.Member("user");
            (await trace.Send(member.Caller, "PATCH", "/users/me", new { name = "Ada" })).Is(200);
            return new("member", $"{member.Id}", "member", $"{member.Id}");
        },
        [AuditAction.MemberRemoved] = async (acme, trace) =>
        {
            var (admin, member) = (await acme.Member("admin"), await acme.Member("user"));
            (await trace.Send(admin.Caller, "DELETE", $"/orgs/me/users/{member.Id}")).Is(204);
            return new("member", $"{admin.Id}", "member", $"{member.Id}");
        },
        [AuditAction.EmailTaken] = async (acme, trace) =>
        {
            var (member, other) = (await acme.Member("user"), await acme.Member("user"));
            (await trace.Send(member.Caller, "PATCH", "/users/me", new { email = other.Email, currentPassword = Persona.Password })).Is(
                409);
            return new("member", $"{member.Id}", "member", $"{member.Id}");
        },
        [AuditAction.KeyCreated] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var key = (await trace.Send(member.Caller, "POST", "/orgs/me/apikeys", new { label = "web" })).Is(201);
            return new("member", $"{member.Id}", "key", key.Text("publicId"));
        },
        [AuditAction.KeyRotated] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var key = (await member.Caller.Post("/orgs/me/apikeys", new { label = "web" })).Is(201);
            (await trace.Send(member.Caller, "POST", $"/orgs/me/apikeys/{key.Text("id")}/rotate", new { })).Is(201);
            return new("member", $"{member.Id}", "key", key.Text("publicId"));
        },
        [AuditAction.KeyRevoked] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var key = (await member.Caller.Post("/orgs/me/apikeys", new { label = "web" })).Is(201);
            (await trace.Send(member.Caller, "DELETE", $"/orgs/me/apikeys/{key.Text("id")}")).Is(204);
            return new("member", $"{member.Id}", "key", key.Text("publicId"));
        },
        [AuditAction.MessageDeleted] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var chat = await acme.Chat();
            var message = await acme.Say(chat, "x");
            (await trace.Send(member.Caller, "DELETE", $"/orgs/me/chats/{chat}/messages/{message}")).Is(204);
            return new("member", $"{member.Id}", "message", message);
        },
        [AuditAction.ChatDeleted] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var chat = await acme.Chat();
            (await trace.Send(member.Caller, "DELETE", $"/orgs/me/chats/{chat}")).Is(204);
            return new("member", $"{member.Id}", "chat", chat);
        },
        [AuditAction.WebhookCreated] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var webhook = (await trace.Send(member.Caller, "POST", "/orgs/me/webhooks", NewWebhook)).Is(201);
            return new("member", $"{member.Id}", "webhook", webhook.Text("id"));
        },
        [AuditAction.WebhookChanged] = (acme, trace) => OnWebhook(acme, trace, "PATCH", "", new { description = "orders" }, 200),
        [AuditAction.WebhookDeleted] = (acme, trace) => OnWebhook(acme, trace, "DELETE", "", null, 204),
        [AuditAction.WebhookRotated] = (acme, trace) => OnWebhook(acme, trace, "POST", "/rotate", new { }, 201),
        [AuditAction.WebhookTested] = (acme, trace) => OnWebhook(acme, trace, "POST", "/test", null, 202),
        [AuditAction.WebhookReplayed] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var webhook = (await member.Caller.Post("/orgs/me/webhooks", NewWebhook)).Is(201).Text("id");
            var delivery = (await member.Caller.Post($"/orgs/me/webhooks/{webhook}/test")).Is(202).Text("id");
            (await trace.Send(member.Caller, "POST", $"/orgs/me/webhooks/deliveries/{delivery}/replay")).Is(202);
            return new("member", $"{member.Id}", "webhook", webhook);
        },
        [AuditAction.WebhookPaused] = async (acme, trace) =>
        {
            trace.IsNone();
            var webhook = (await (await acme.Admin()).Post("/orgs/me/webhooks", NewWebhook)).Is(201).Text("id");
            var store = acme.App.Services.GetRequiredService<WebhookStore>();
            Assert.True(await store.Pause((await store.Find(acme.Id, Guid.Parse(webhook), default))!, default));
            return new("service", "webhooks", "webhook", webhook);
        },
        [AuditAction.ChatsExpired] = async (acme, trace) =>
        {
            trace.IsNone();
            await acme.Chat();
            await acme.App.FoldAll(acme);
            await acme.App.Execute(
                "update organizations set retention_days = 1 where id = @Id; "
                    + "update chat_sums set created_at = now() - interval '2 days' where org_id = @Id",
                new { acme.Id });
            await acme.App.Services.GetRequiredService<ExpireChats>().Run(CancellationToken.None);
            return new("operator", "retention", "retention", "1");
        },
        [AuditAction.ErasureRequested] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var erasure = (await trace.Send(member.Caller, "POST", "/orgs/me/erasures", new { externalUserId = "v-17" })).Is(202);
            return new("member", $"{member.Id}", "erasure", erasure.Text("subject"));
        },
        [AuditAction.ErasureFinished] = async (acme, trace) =>
        {
            trace.IsNone();
            return new("service", "erasure", "erasure", (await Erased(acme, (await acme.Member("admin")).Caller)).Text("subject"));
        },
        [AuditAction.ErasureDownloaded] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var erasure = await Erased(acme, member.Caller);
            (await trace.Send(member.Caller, "GET", $"/orgs/me/erasures/{erasure.Text("id")}/ids")).Is(200);
            return new("member", $"{member.Id}", "erasure", erasure.Text("subject"));
        },
        [AuditAction.ExportMade] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            (await trace.Send(member.Caller, "POST", ExportFixture.Path, new { format = "jsonl", mode = "sync" })).Is(200);
            return new("member", $"{member.Id}", "export", null);
        },
        [AuditAction.ExportRequested] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var export = (await trace.Send(member.Caller, "POST", ExportFixture.Path, new { format = "jsonl", mode = "async" })).Is(202);
            return new("member", $"{member.Id}", "export", export.Text("id"));
        },
        [AuditAction.ExportDownloaded] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var root = await acme.App.Superadmin();
            var export = (await member.Caller.Post(ExportFixture.Path, new { format = "jsonl", mode = "async" })).Is(202);
            (await member.Caller.Ended(export.Header("Location")!)).Is(200);
            (await trace.Send(root, "GET", $"/exports/orgs/{acme.Slug}/{export.Text("id")}")).Is(200);
            return new("superadmin", (await root.Get("/users/me")).Text("id"), "export", export.Text("id"));
        },
        [AuditAction.ExportCancelled] = async (acme, trace) =>
        {
            var member = await acme.Member("admin");
            var export = (await member.Caller.Post(ExportFixture.Path, new { format = "jsonl", mode = "async" })).Is(202);
            (await member.Caller.Ended(export.Header("Location")!)).Is(200);
            (await trace.Send(member.Caller, "DELETE", $"{ExportFixture.Path}/{export.Text("id")}")).Is(204);
            return new("member", $"{member.Id}", "export", export.Text("id"));
        },
    };

    private static readonly object NewWebhook = new { url = "https://hooks.example", events = new[] { "export.finished" } };

    private static async Task<Event> OnWebhook(Org acme, Trace trace, string method, string path, object? body, int status)
    {
        var member = await acme.Member("admin");
        var webhook = (await member.Caller.Post("/orgs/me/webhooks", NewWebhook)).Is(201).Text("id");
        (await trace.Send(member.Caller, method, $"/orgs/me/webhooks/{webhook}{path}", body)).Is(status);
        return new("member", $"{member.Id}", "webhook", webhook);
    }

    private static async Task<Answer> Erased(Org org, Caller admin)
    {
        var erasure = (await admin.Post("/orgs/me/erasures", new { externalUserId = "v-17" })).Is(202);
        await org.App.Services.GetRequiredService<EraseChats>().Run(CancellationToken.None);
        return erasure;
    }
}
