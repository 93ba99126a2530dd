using ChatLogger.Auth;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.OpenApi;
using ChatLogger.Telemetry;

namespace ChatLogger;

/// <summary>Maps all routes, with the policy of each.</summary>
internal static class Routes
{
    public static void Map(WebApplication service)
    {
        var app = service.MapGroup("").AnsweringHead();

        var open = app.MapGroup("").RequireAccess(EndpointPolicy.Anyone).WithTags("Service");
        Home.Map(open);
        Dashboard.Map(open);
        Live.Map(open);
        LangfuseHealth.Map(app.MapGroup("").RequireAccess(EndpointPolicy.Anyone).WithTags("Integrations"));
        Ready.Map(open);
        Features.Version.Map(open);
        ApiDocument.Map(open);
        if (service.Services.GetRequiredService<TelemetrySettings>().MetricsToken is not null)
            Metrics.Map(app.MapGroup("").RequireAccess(EndpointPolicy.Operator).WithTags("Service"));

        // The plugin API: an organization's API key, in the organization of that key.
        var ingest = app.MapGroup("/api/v1/orgs/{slug}").RequireAccess(EndpointPolicy.Key(KeyScope.Ingest)).WithTags("Plugin");
        CreateChat.Map(ingest);
        ChangeChat.Map(ingest);
        AppendMessage.Map(ingest);
        GiveFeedback.Map(ingest);
        WriteBatch.Map(ingest);

        var pluginReaders = app.MapGroup("/api/v1/orgs/{slug}").RequireAccess(EndpointPolicy.Key(KeyScope.Read)).WithTags("Plugin");
        FindChat.Map(pluginReaders);
        GetChat.MapPlugin(pluginReaders);
        ListMessages.MapPlugin(pluginReaders);

        // Integrations: the protocols of other services, in the organization of the key.
        var integrations = app.MapGroup("").RequireAccess(EndpointPolicy.IntegrationKey(KeyScope.Ingest)).WithTags("Integrations");
        ReceiveTraces.Map(integrations);
        IngestLangfuse.Map(integrations);
        IngestLunary.Map(integrations);

        // The dashboard API: a session cookie. These routes are for every member's own account.
        Login.Map(app.MapGroup("").RequireAccess(EndpointPolicy.Anyone).WithTags("Account"));
        var account = app.MapGroup("").RequireAccess(EndpointPolicy.AnyMember).WithTags("Account");
        Logout.Map(account);
        GetProfile.Map(account);
        ChangeProfile.Map(account);
        ListSessions.Map(account);
        EndSession.Map(account);

        // Organizations: a member's own, and every organization for superadmins.
        GetOrganization.MapOwn(
            app.MapGroup("/orgs/me")
                .RequireAccess(EndpointPolicy.Role(MemberRole.Viewer, MemberRole.User, MemberRole.Admin))
                .WithTags("Organizations"));
        ChangeOrganization.MapOwn(app.MapGroup("/orgs/me").RequireAccess(EndpointPolicy.Role(MemberRole.Admin)).WithTags("Organizations"));
        var superadmins = app.MapGroup("").RequireAccess(EndpointPolicy.Superadmin).WithTags("Organizations");
        ListOrganizations.Map(superadmins);
        CreateOrganization.Map(superadmins);
        GetOrganization.Map(superadmins);
        ChangeOrganization.Map(superadmins);
        DeleteOrganization.Map(superadmins);

        // Within an organization: "me", or its slug for a superadmin. Superadmins act as admins.
        var readers = app.MapGroup("/orgs/{org}")
            .RequireAccess(EndpointPolicy.Role(MemberRole.Viewer, MemberRole.User, MemberRole.Admin))
            .WithTags("Chats");
        ListChats.Map(readers);
        GetChat.Map(readers);
        ListMessages.Map(readers);
        FollowChats.Map(readers);

        var writers = app.MapGroup("/orgs/{org}").RequireAccess(EndpointPolicy.Role(MemberRole.User, MemberRole.Admin)).WithTags("Chats");
        CreateChat.MapMember(writers);
        ChangeChat.MapMember(writers);
        DeleteChat.Map(writers);
        AppendMessage.MapMember(writers);
        DeleteMessage.Map(writers);

        var analysts = app.MapGroup("/analytics/orgs/{org}")
            .RequireAccess(EndpointPolicy.Role(MemberRole.Viewer, MemberRole.Admin))
            .WithTags("Analytics")
            .WithMetadata(EndpointRateLimit.Analytics, new TimeoutOverride(settings => settings.AnalyticsDeadline));
        Summary.Map(analysts);
        Conversations.Map(analysts);

        var exporters = app.MapGroup("/exports/orgs/{org}").RequireAccess(EndpointPolicy.Role(MemberRole.Admin)).WithTags("Exports");
        RequestExport.Map(exporters);
        ListExports.Map(exporters);
        DownloadExport.Map(exporters);
        CancelExport.Map(exporters);

        var keyAdmins = app.MapGroup("/orgs/{org}").RequireAccess(EndpointPolicy.Role(MemberRole.Admin)).WithTags("API keys");
        ListApiKeys.Map(keyAdmins);
        CreateApiKey.Map(keyAdmins);
        RotateApiKey.Map(keyAdmins);
        RevokeApiKey.Map(keyAdmins);

        var webhooks = app.MapGroup("/orgs/{org}").RequireAccess(EndpointPolicy.Role(MemberRole.Admin)).WithTags("Webhooks");
        ListWebhooks.Map(webhooks);
        CreateWebhook.Map(webhooks);
        GetWebhook.Map(webhooks);
        ChangeWebhook.Map(webhooks);
        DeleteWebhook.Map(webhooks);
        RotateWebhook.Map(webhooks);
        TestWebhook.Map(webhooks);
        ListDeliveries.Map(webhooks);
        ReplayDelivery.Map(webhooks);

        var people = app.MapGroup("/orgs/{org}").RequireAccess(EndpointPolicy.Role(MemberRole.Admin)).WithTags("Members");
        ListMembers.Map(people);
        CreateMember.Map(people);
        ChangeMember.Map(people);
        RemoveMember.Map(people);

        var keepers = app.MapGroup("/orgs/{org}").RequireAccess(EndpointPolicy.Role(MemberRole.Admin)).WithTags("Privacy");
        PreviewRedaction.Map(keepers);
        ListErasures.Map(keepers);
        RequestErasure.Map(keepers);
        GetErasure.Map(keepers);
        DownloadErasedIds.Map(keepers);

        var auditors = app.MapGroup("/orgs/{org}").RequireAccess(EndpointPolicy.Role(MemberRole.Admin)).WithTags("Audit");
        ListAuditEvents.Map(auditors);
    }
}
