using System.Runtime.Versioning;
using ChatLogger.Auth;

namespace ChatLogger.Tests.Hosting;

/// <summary>An operator's commands on a database that is empty at first.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class CommandLineTests : IAsyncLifetime
{
    private const string Secret = "Session__Secret=0123456789abcdef0123456789abcdef";

    private ProcessSandbox _here = null!;
    private string _database = "";

    public async Task InitializeAsync()
    {
        _database = await TestServer.EmptyDatabase();
        // Created second, because the clean-up does not run if InitializeAsync throws.
        _here = new ProcessSandbox();
    }

    public async Task DisposeAsync()
    {
        await _here.CleanUp();
        await TestServer.Drop(_database);
    }

    [Fact]
    public async Task From_an_empty_database_to_a_plugin_at_work()
    {
        Assert.Equal("", await Result("migrate", asProcess: true));
        Guid.Parse(await Result("org create --slug acme --name Acme --time-zone Europe/Amsterdam"));
        Guid.Parse(await Result(
            "user create --org acme --email ada@acme.example --role admin --password-stdin", "correct horse battery\n", asProcess: true));
        Guid.Parse(await Result(
            "admin create-superadmin --email root@chatlogger.example --password-stdin", "pässwörd with no line break", asProcess: true));
        var key = await Result("apikey create --org acme --label website --scope ingest --scope import", asProcess: true);
        Assert.Equal(key, ApiKey.Parse(key)?.Text);

        var service = await _here.Serve(Secret, $"ConnectionStrings__ChatLogger={_database}");
        var plugin = service.Http.WithKey(key);
        (await plugin.Post("/api/v1/orgs/acme/chats", new { })).Is(201);
        var ada = await service.Http.Post("/auth/login", new { email = "ada@acme.example", password = "correct horse battery" });
        Assert.Equal("acme", ada.Is(200)["org"].GetProperty("slug").GetString());
        var root = await service.Http.Post(
            "/auth/login",
            new { email = "root@chatlogger.example", password = "pässwörd with no line break" });
        Assert.Equal("superadmin", root.Is(200).Text("role"));
        Assert.StartsWith("__Host-chatlogger=", root.Header("Set-Cookie"));

        Assert.Matches(@"^acme\tAcme\tEurope/Amsterdam\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", await Result("org list"));
        Assert.StartsWith("ada@acme.example\tadmin\tactive\t\t", await Result("user list --org acme"));
        Assert.StartsWith("root@chatlogger.example\tactive\t\t", await Result("admin list"));
        Assert.StartsWith($"{key.Split('_')[1]}\twebsite\tingest,import\tlive\t", await Result("apikey list --org acme"));
        Assert.Equal("chatlogger: No such organization.", await Refusal("apikey list --org globex", asProcess: true));

        // A member who forgot the password gets a new one, and the sessions of the old one end.
        var session = service.Http.WithCookie(ada.Header("Set-Cookie")!.Split(';')[0]);
        (await session.Get("/users/me")).Is(200);
        Assert.Equal("", await Result("user set-password --email Ada@acme.example --password-stdin", "another battery horse\n"));
        Assert.Equal("", await Result("user set-password --email root@chatlogger.example --password-stdin", "another battery horse\n"));
        (await session.Get("/users/me")).Is(401);
        (await service.Http.Post("/auth/login", new { email = "ada@acme.example", password = "correct horse battery" })).Is(401);
        (await service.Http.Post("/auth/login", new { email = "ada@acme.example", password = "another battery horse" })).Is(200);
        (await service.Http.Post("/auth/login", new { email = "root@chatlogger.example", password = "another battery horse" })).Is(200);
        Assert.Equal(
            "chatlogger: No member has this e-mail address.",
            await Refusal("user set-password --email eve@acme.example --password-stdin", "another battery horse"));
        Assert.Contains("password: ", await Refusal("user set-password --email ada@acme.example --password-stdin", "short"));

        Assert.Matches(@"^acme: \d+ rollups, 0 differences$", await Result("rollups rebuild"));
        Assert.Matches(@"^acme: \d+ rollups, 0 differences$", await Result("rollups rebuild --org acme"));
        Assert.Equal("chatlogger: No such organization.", await Refusal("rollups rebuild --org globex"));
        Assert.Equal("", await Result($"healthcheck --url {service.Address}"));
        Assert.Equal("", await Result($"healthcheck --urls http://*:{service.Address.Port}"));
        Assert.Equal("", await Result($"apikey revoke --org acme --public-id {key.Split('_')[1]}"));
        await Wait.Until(async () => (await plugin.Post("/api/v1/orgs/acme/chats", new { })).Status == 401, "The revoked key is refused.");
        Assert.Equal(0, await service.Stop());
        Assert.Contains("does not answer", await Refusal($"healthcheck --url {service.Address}"));

        foreach (
            var secret in new[] { key, "correct horse", "pässwörd", "0123456789abcdef", root.Header("Set-Cookie")!.Split('=', ';')[1] })
            Assert.DoesNotContain(secret, service.Output + service.Errors);
    }

    [Fact]
    public async Task A_failure_is_reported_in_a_sentence()
    {
        await Result("migrate");
        await Result("org create --slug acme --name Acme");

        Assert.Contains("slug: Must have", await Refusal("org create --slug Acme! --name Acme"));
        Assert.Contains("Another organization has", await Refusal("org create --slug acme --name Acme"));
        Assert.Contains("timeZone: ", await Refusal("org create --slug globex --name Globex --time-zone Mars/Olympus"));
        Assert.Contains(
            "No such organization",
            await Refusal("user create --org globex --email a@b.example --role admin --password-stdin", "correct horse battery"));
        Assert.Contains("password: ", await Refusal("user create --org acme --email a@b.example --role admin --password-stdin", "short"));
        Assert.Contains("password: ", await Refusal("admin create-superadmin --email a@b.example --password-stdin", ""));
        Assert.Contains(
            "role: ",
            await Refusal("user create --org acme --email a@b.example --role superadmin --password-stdin", "correct horse battery"));
        Assert.Contains("scopes: ", await Refusal("apikey create --org acme --label x --scope everything"));
        Assert.Contains("expiresAt: ", await Refusal("apikey create --org acme --label x --expires 2001-01-01T00:00:00Z"));
        Assert.Contains("No such key", await Refusal("apikey revoke --org acme --public-id 0000000000000000"));
    }

    [Theory]
    [InlineData("launch", "no verb \"launch\"", true)]
    [InlineData("serve now", "now")]
    [InlineData("org", "After \"org\" comes one of: create, list.")]
    [InlineData("apikey crate", "After \"apikey\" comes one of: create, list, revoke.")]
    [InlineData("org create --slug acme", "--name")]
    [InlineData("apikey create --org acme --label x --expirse 2030-01-01", "--expirse")]
    [InlineData("apikey create --org acme --label x --expires tomorrow", "--expires")]
    [InlineData("-v", "-v")]
    [InlineData("--prot=5081", "--prot")]
    [InlineData("--urls", "--urls needs a value")]
    [InlineData("--Session__Secret=hunter2hunter2", "--Session__Secret")]
    [InlineData("healthcheck --url nonsense", "nonsense")]
    [InlineData("healthcheck --url http://127.0.0.1:1", "does not answer", true)]
    public async Task A_mistyped_command_is_reported_and_nothing_is_done(string line, string told, bool asProcess = false)
    {
        var refusal = await Refusal(line, asProcess: asProcess);

        Assert.Contains(told, refusal);
        Assert.DoesNotContain("hunter2", refusal);
        Assert.False(Directory.Exists(_here.Data));
    }

    [Fact]
    public async Task Help_lists_the_verbs()
    {
        var help = await Result("--help", asProcess: true);

        foreach (var verb in new[] { "serve", "migrate", "healthcheck", "admin", "org", "user", "apikey", "import", "rollups" })
            Assert.Contains($"\n  {verb} ", help);
        Assert.Contains("\n  revoke ", await Result("apikey --help"));
        Assert.Contains("\n  --public-id ", await Result("apikey revoke --help"));
    }

    private async Task<string> Result(string line, string? input = null, bool asProcess = false)
    {
        var verb = await Run(line, input, asProcess);
        Assert.True(verb.ExitCode == 0, $"{line}: {verb.Errors}");
        return verb.Output;
    }

    private async Task<string> Refusal(string line, string? input = null, bool asProcess = false)
    {
        var verb = await Run(line, input, asProcess);
        Assert.Equal(1, verb.ExitCode);
        Assert.Equal("", verb.Output);
        Assert.DoesNotContain("   at ", verb.Errors);
        // Before it there may be lines of the log.
        return Assert.Single(verb.Errors.Split('\n'), said => said.StartsWith("chatlogger: ", StringComparison.Ordinal));
    }

    /// <summary>As a process runs one command of each kind: some that print, read standard input, refuse, or have no database.</summary>
    private async Task<CommandRun> Run(string line, string? input, bool asProcess)
    {
        string[] settings = [$"ConnectionStrings__ChatLogger={_database}"];
        if (!asProcess)
            return await _here.Run(settings, line.Split(' '), input);
        var process = _here.Start(settings, line.Split(' '), input);
        return new CommandRun(await process.Exit(), process.Output, process.Errors);
    }
}
