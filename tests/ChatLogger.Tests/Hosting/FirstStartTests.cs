using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.RegularExpressions;
using ChatLogger.PrivatePostgres;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Hosting;

/// <summary>The first start of a developer who has cloned the repository and types <c>dotnet run</c>.</summary>
[UnsupportedOSPlatform("windows")]
public sealed partial class FirstStartTests : IAsyncLifetime
{
    private readonly ProcessSandbox _here = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _here.CleanUp();

    [BashFact]
    public async Task The_first_start_prints_commands_that_work_as_they_stand_and_prints_them_only_once()
    {
        var first = await _here.Develop();
        var demo = await first.Demo();
        var commands = Commands().Match(first.Output).Groups[1].Value;
        Assert.Equal(4, commands.Split("curl ").Length - 1);

        var printed = (await _here.Bash(commands)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(4, printed.Length);
        var chatId = Guid.Parse(printed[0]);
        var message = JsonDocument.Parse(printed[1]).RootElement;
        Assert.Equal(
            [
                "id",
                "chatId",
                "role",
                "content",
                "parts",
                "toolCalls",
                "toolCallId",
                "name",
                "metadata",
                "latencyMs",
                "tokenCount",
                "promptTokens",
                "completionTokens",
                "model",
                "createdAt",
                "feedback",
            ],
            message.EnumerateObject().Select(property => property.Name));
        Assert.Equal(chatId, message.GetProperty("chatId").GetGuid());
        Assert.Equal("Hello, is anybody there?", message.GetProperty("content").GetString());
        var login = JsonDocument.Parse(printed[2]).RootElement;
        Assert.Equal("admin@demo.example", login.GetProperty("email").GetString());
        Assert.Equal("demo", login.GetProperty("org").GetProperty("slug").GetString());
        var read = Assert.Single(JsonDocument.Parse(printed[3]).RootElement.GetProperty("items").EnumerateArray().ToList());
        Assert.Equal(message.GetRawText(), read.GetRawText());
        Assert.Equal(0, await first.Stop());

        var second = await _here.Develop();
        await second.Line(LookInside());
        Assert.Contains($"The data is in {_here.Cluster} ", second.Output);
        (
            await second
                .Http.WithKey(demo.Key)
                .Post($"/api/v1/orgs/demo/chats/{chatId}/messages", new { role = "user", content = "Still here?" })
        ).Is(201);
        // Another terminal needs no connection string either.
        var verb = _here.Start(["ASPNETCORE_ENVIRONMENT=Development"], "apikey", "create", "--org", "demo", "--label", "another");
        Assert.Equal(0, await verb.Exit());
        (await second.Http.WithKey(verb.Output).Post("/api/v1/orgs/demo/chats", new { })).Is(201);
        // The hint for a user without credentials shows the same commands after every start.
        // With the directory, which another terminal may not have in its environment.
        Assert.Contains($" apikey create --org demo --label again --DataDirectory '{_here.Data}'\n", second.Output);
        Assert.Contains($" user set-password --email admin@demo.example --password-stdin --DataDirectory '{_here.Data}'\n", second.Output);
        var change = _here.Start(
            ["ASPNETCORE_ENVIRONMENT=Development"],
            ["user", "set-password", "--email", "admin@demo.example", "--password-stdin"],
            "a long enough password\n");
        Assert.Equal(0, await change.Exit());
        (await second.Http.Post("/auth/login", new { email = "admin@demo.example", password = demo.Password })).Is(401);
        (await second.Http.Post("/auth/login", new { email = "admin@demo.example", password = "a long enough password" })).Is(200);
        Assert.Equal(0, await second.Stop());
        Assert.DoesNotContain("apikey create --org demo --label again", first.Output);
        foreach (var output in new[] { first.Output, second.Output })
        {
            Assert.DoesNotContain("(null)", output);
            Assert.DoesNotMatch(@"trace=(\s|$)", output);
            Assert.EndsWith("ChatLogger: Chat Logger has stopped", output.TrimEnd('\n'));
        }

        Assert.Equal("", first.Errors + second.Errors);
        var cookie = (await File.ReadAllTextAsync(Path.Combine(_here.Root, "chatlogger.cookies"))).Trim().Split('\t')[^1];
        var logged = first.Output.Replace(Banner().Match(first.Output).Value, "") + second.Output;
        foreach (
            var secret in new[] { demo.Password, demo.Key, cookie, await File.ReadAllTextAsync(Path.Combine(_here.Data, "session.secret")) }
        )
            Assert.DoesNotContain(secret, logged);
    }

    [Fact]
    public async Task Where_there_is_no_demo_organization_no_hint_names_it()
    {
        var verb = _here.Start(["ASPNETCORE_ENVIRONMENT=Development"], "org", "create", "--slug", "acme", "--name", "Acme");
        Assert.True(await verb.Exit() == 0, verb.Errors);

        var service = await _here.Develop();

        await Wait.Until(() => service.Output.Contains("What there is: ", StringComparison.Ordinal));
        Assert.DoesNotContain("--org demo", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("@demo.example", service.Output, StringComparison.Ordinal);
        Assert.Equal(0, await service.Stop());
    }

    [Fact]
    public async Task Two_started_at_the_same_moment_share_one_database_and_the_last_one_out_stops_it()
    {
        // Whatever the machine is set to: the service does not listen to it.
        var services = await Task.WhenAll(
            _here.Develop("LANG=tr_TR.UTF-8", "TZ=Asia/Kathmandu"),
            _here.Develop(
                "PGHOST=nowhere.example",
                "PGPORT=1",
                "PGUSER=nobody",
                "PGDATABASE=other",
                "PGOPTIONS=-c default_transaction_read_only=on"));
        var printed = await await Task.WhenAny(services.Select(service => service.Demo()));
        var (one, other) = (services[0], services[1]);

        var chat = (await one.Http.WithKey(printed.Key).Post("/api/v1/orgs/demo/chats", new { title = "Kalaallit" })).Is(201).Text("id");
        (await other.Http.WithKey(printed.Key).Post($"/api/v1/orgs/demo/chats/{chat}/messages", new { role = "user", content = "ıİ" })).Is(
            201);
        var login = (await other.Http.Post("/auth/login", new { email = printed.Email, password = printed.Password })).Is(200);
        var member = one.Http.WithCookie(login.Header("Set-Cookie")!.Split(';')[0]);
        Assert.Equal("ıİ", (await member.Get($"/orgs/me/chats/{chat}/messages")).Is(200)["items"][0].GetProperty("content").GetString());

        var postmaster = _here.PostmasterPid;
        Assert.Equal(0, await one.Stop());
        (await other.Http.Get("/healthz/ready")).Is(200);
        (await other.Http.WithKey(printed.Key).Post("/api/v1/orgs/demo/chats", new { })).Is(201);
        Assert.Equal(postmaster, _here.PostmasterPid);

        Assert.Equal(0, await other.Stop());
        Assert.False(ProcessTable.Find(postmaster) is { IsAlive: true });
        Assert.Single(services, service => service.Output.Contains("API key"));
        Assert.Single(services, service => service.Output.Contains("Applied migration"));
        Assert.Equal("", one.Errors + other.Errors);
    }

    [RootFact]
    public async Task Below_a_closed_home_it_works_for_root()
    {
        _here.Data = Path.Combine(_here.Home, "data");

        var service = await _here.Develop();

        var demo = await service.Demo();
        (await service.Http.WithKey(demo.Key).Post("/api/v1/orgs/demo/chats", new { })).Is(201);
        Assert.Contains($"The data is in {_here.SystemData}/database ", service.Output);
        Assert.Equal(0, await service.Stop());
    }

    [RootFact]
    public async Task Below_a_closed_home_it_works_for_an_ordinary_user_without_any_setting()
    {
        const uint nobody = 65534;
        Posix.ChangeOwner(_here.Home, nobody, nobody);
        _here.Program = Copy(AppContext.BaseDirectory, Path.Combine(_here.Root, "program"));
        _here.As = ["setpriv", $"--reuid={nobody}", $"--regid={nobody}", "--clear-groups"];
        _here.Data = "";

        var service = await _here.Develop();

        var demo = await service.Demo();
        (await service.Http.WithKey(demo.Key).Post("/api/v1/orgs/demo/chats", new { })).Is(201);
        Assert.Contains($"The data is in {_here.Home}/.local/share/chatlogger/database ", service.Output);
        Assert.Equal(0, await service.Stop());
    }

    [RootFact]
    public async Task A_strict_umask_of_roots_does_not_keep_the_database_from_its_files()
    {
        _here.As = ["sh", "-c", "umask 077; exec \"$@\"", "sh"];

        var service = await _here.Develop();

        await service.Demo();
        Assert.Contains($"The data is in {_here.Cluster} ", service.Output);
        Assert.Equal(0, await service.Stop());
    }

    // Where the tests are built may be closed to others.
    private static string Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        return to;
    }

    [GeneratedRegex("one after the other:\n([\\s\\S]*)The API is described")]
    private static partial Regex Commands();

    [GeneratedRegex("\nThis is the first start[\\s\\S]*/docs")]
    private static partial Regex Banner();

    [GeneratedRegex("Look inside with:  psql -h \\S+ -U chatlogger chatlogger")]
    private static partial Regex LookInside();
}
