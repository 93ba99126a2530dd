using ChatLogger.Auth;
using ChatLogger.Configuration;
using ChatLogger.Features;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace ChatLogger.Tests.Auth;

/// <summary>The service with two keys in its settings.</summary>
public class KeysInSettingsApp : App
{
    internal ApiKey Ingest { get; } = ApiKey.Generate();

    internal ApiKey Import { get; } = ApiKey.Generate();

    protected override void Customize(WebApplicationBuilder builder) =>
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["ApiKeys:0:Slug"] = "from-settings",
                ["ApiKeys:0:Sha256"] = Convert.ToHexString(Ingest.Sha256),
                ["ApiKeys:1:Slug"] = "from-settings",
                ["ApiKeys:1:Sha256"] = Convert.ToHexStringLower(Import.Sha256),
                ["ApiKeys:1:Scopes"] = "import",
            });
}

public class SettingsApiKeysTests(KeysInSettingsApp app) : IClassFixture<KeysInSettingsApp>
{
    [Fact]
    public async Task A_key_in_the_settings_works_beside_those_in_the_database_and_only_in_its_organization()
    {
        var ingest = app.Stranger.WithKey(app.Ingest.Text);
        (await ingest.Post("/api/v1/orgs/from-settings/chats", "{}")).IsProblem(401, "unauthenticated");
        var id = (await app.Send(new CreateOrganization.Command("from-settings", "From settings", null, Persona.Operator))).Id;
        var settings = new Org(app, id, "from-settings");
        var acme = await app.Org("acme");

        app.Clock.Advance(TimeSpan.FromSeconds(5));
        (await ingest.Post($"{settings.ApiPath}/chats", "{}")).Is(201);
        (await (await settings.Plugin()).Post($"{settings.ApiPath}/chats", "{}")).Is(201);
        (await (await acme.Plugin()).Post($"{acme.ApiPath}/chats", "{}")).Is(201);
        (await ingest.Post($"{acme.ApiPath}/chats", "{}")).IsProblem(404, "not-found");
        (await (await acme.Plugin()).Post($"{settings.ApiPath}/chats", "{}")).IsProblem(404, "not-found");
        (await app.Stranger.WithKey(app.Import.Text).Post($"{settings.ApiPath}/chats", "{}")).IsProblem(403, "forbidden");
        Assert.Equal(2, await settings.Count("chats"));

        await app.Execute("update organizations set deleted_at = now() where id = @id", new { id });
        app.Clock.Advance(TimeSpan.FromSeconds(5));
        (await ingest.Post($"{settings.ApiPath}/chats", "{}")).IsProblem(401, "unauthenticated");
    }

    [Fact]
    public void An_entry_has_the_scope_ingest_unless_it_says_otherwise()
    {
        var hash = new string('a', 64);

        var entries = SettingsApiKeys.Read(Configuration(
            ("ApiKeys:0:Slug", "acme"), ("ApiKeys:0:Sha256", hash),
            ("ApiKeys:1:Slug", "acme"), ("ApiKeys:1:Sha256", hash), ("ApiKeys:1:Scopes", "ingest, import"),
            ("ApiKeys:2:Slug", "acme"), ("ApiKeys:2:Sha256", hash), ("ApiKeys:2:Scopes:0", "import")));

        Assert.Equal(["ingest", "ingest import", "import"], entries.Select(entry => string.Join(' ', entry.Scopes)));
        Assert.Empty(SettingsApiKeys.Read(Configuration()));
    }

    [Theory]
    [InlineData(null, "ok", "ingest", "ApiKeys__0__Slug")]
    [InlineData("", "ok", "ingest", "ApiKeys__0__Slug")]
    [InlineData("acme", null, "ingest", "ApiKeys__0__Sha256")]
    [InlineData("acme", "abc", "ingest", "ApiKeys__0__Sha256")]
    [InlineData("acme", "not hex", "ingest", "ApiKeys__0__Sha256")]
    [InlineData("acme", "the key itself", "ingest", "ApiKeys__0__Sha256")]
    [InlineData("acme", "ok", "admin", "ApiKeys__0__Scopes")]
    [InlineData("acme", "ok", "ingest, Ingest", "ApiKeys__0__Scopes")]
    public void A_malformed_entry_refuses_the_start_and_names_the_setting(string? slug, string? hash, string scopes, string setting)
    {
        var sha256 = hash switch
        {
            "ok" => new string('0', 64),
            "not hex" => new string('g', 64),
            "the key itself" => app.Ingest.Text,
            _ => hash,
        };

        var refusal = Assert.Throws<StartupException>(() =>
            SettingsApiKeys.Read(Configuration(("ApiKeys:0:Slug", slug), ("ApiKeys:0:Sha256", sha256), ("ApiKeys:0:Scopes", scopes))));

        Assert.StartsWith(setting, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(app.Ingest.Text, refusal.Message, StringComparison.Ordinal);
    }

    private static IConfiguration Configuration(params (string Key, string? Value)[] settings) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(
                settings.Where(setting => setting.Value is not null).ToDictionary(setting => setting.Key, setting => setting.Value))
            .Build();
}
