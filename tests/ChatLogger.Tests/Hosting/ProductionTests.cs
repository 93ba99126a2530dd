using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using ChatLogger.Auth;
using Npgsql;

namespace ChatLogger.Tests.Hosting;

/// <summary>Settings that are right, as a container would have them.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ProductionTests : IAsyncLifetime
{
    private const string Secret = "Session__Secret=0123456789abcdef0123456789abcdef";

    private ProcessSandbox _here = null!;
    private string _database = "";

    private string Database => $"ConnectionStrings__ChatLogger={_database}";

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
    public async Task The_bootstrap_settings_make_what_is_absent_on_two_instances_at_once_and_never_change_it()
    {
        var key = ApiKey.Generate().Text;
        var passwordFile = Path.Combine(_here.Root, "password");
        await File.WriteAllTextAsync(passwordFile, "correct horse battery\n");
        string[] organization =
        [
            "Bootstrap__Organization__Slug=acme",
            "Bootstrap__Organization__Name=Acme",
            $"Bootstrap__ApiKey__Key={key}",
        ];
        string[] settings =
        [
            Secret,
            Database,
            .. organization,
            "Bootstrap__SuperAdmin__Email=Root@Example.com",
            $"Bootstrap__SuperAdmin__PasswordFile={passwordFile}",
        ];

        var instances = await Task.WhenAll(_here.Serve(settings), _here.Serve(settings));
        foreach (var instance in instances)
        {
            (await instance.Http.WithKey(key).Post("/api/v1/orgs/acme/chats", new { })).Is(201);
            (await instance.Http.Post("/auth/login", new { email = "root@example.com", password = "correct horse battery" })).Is(200);
            Assert.Equal(0, await instance.Stop());
        }

        var changed = await _here.Serve(
            Secret,
            Database,
            "Bootstrap__Organization__Slug=acme",
            "Bootstrap__Organization__Name=Acme renamed",
            $"Bootstrap__ApiKey__Key={key}",
            "Bootstrap__SuperAdmin__Email=root@example.com",
            "Bootstrap__SuperAdmin__Password=another password",
            "Bootstrap__SuperAdmin__PasswordFile=");
        (await changed.Http.Post("/auth/login", new { email = "root@example.com", password = "another password" })).Is(401);
        var login = (await changed.Http.Post("/auth/login", new { email = "root@example.com", password = "correct horse battery" })).Is(
            200);
        (await changed.Http.WithKey(key).Post("/api/v1/orgs/acme/chats", new { })).Is(201);
        Assert.Equal(0, await changed.Stop());

        Assert.Equal(
            "Acme 1 1 1",
            await Value(
                """
                select concat_ws(' ', (select string_agg(name, ',') from organizations), (select count(*) from users), (select count(*)
                    from api_keys),
                    (select count(*) from users where role = 'superadmin' and org_id is null))
                """
            ));
        var logged = string.Concat(instances.Append(changed).Select(instance => instance.Output + instance.Errors));
        foreach (
            var secret in new[]
            {
                key,
                "correct horse",
                "another password",
                "0123456789abcdef",
                login.Header("Set-Cookie")!.Split('=', ';')[1],
            })
            Assert.DoesNotContain(secret, logged);
    }

    [Fact]
    public async Task Empty_bootstrap_settings_are_ignored()
    {
        var service = await _here.Serve(
            Secret,
            Database,
            "Bootstrap__SuperAdmin__Email=",
            "Bootstrap__SuperAdmin__Password=",
            "Bootstrap__Organization__Slug=",
            "Bootstrap__Organization__Name=",
            "Bootstrap__ApiKey__Key=");

        Assert.Equal(0, await service.Stop());
        Assert.Equal("0 0", await Value("select concat_ws(' ', (select count(*) from organizations), (select count(*) from users))"));
    }

    [Fact]
    public async Task A_private_database_is_allowed_and_no_default_account_exists()
    {
        var service = await _here.Serve(Secret, "Database__Private=true");

        (await service.Http.Get("/healthz/ready")).Is(200);
        (await service.Http.Post("/auth/login", new { email = "admin@demo.example", password = "correct horse battery" })).Is(401);
        Assert.Equal(0, await service.Stop());
        Assert.DoesNotContain("demo", service.Output);
        Assert.DoesNotContain("Paste", service.Output);
        Assert.False(File.Exists(Path.Combine(_here.Data, "session.secret")));
    }

    [Fact]
    public async Task A_database_url_and_a_secret_file_are_as_good_as_the_settings()
    {
        var secretFile = Path.Combine(_here.Root, "secret");
        await File.WriteAllTextAsync(secretFile, "0123456789abcdef0123456789abcdef\n");
        var database = new NpgsqlConnectionStringBuilder(_database);
        var url =
            $"postgres://{database.Username}:{Uri.EscapeDataString(database.Password ?? "")}@/{database.Database}?host="
                + $"{Uri.EscapeDataString(database.Host!)}&port={database.Port}";

        var service = await _here.Serve($"DATABASE_URL={url}", $"Session__SecretFile={secretFile}");

        (await service.Http.Get("/healthz/ready")).Is(200);
        Assert.Equal(0, await service.Stop());
        Assert.NotEqual("0", await Value("select count(*)::text from schemaversions"));
    }

    [Fact]
    public async Task The_address_is_that_of_urls_then_of_the_variable_then_of_the_port()
    {
        string[] settings = [Secret, Database];
        var (first, second, third) = (FreePort(), FreePort(), FreePort());

        var byUrls = await _here
            .Start([.. settings, $"ASPNETCORE_URLS=http://127.0.0.1:{second}", $"PORT={third}"], "--urls", $"http://127.0.0.1:{first}")
            .Listening();
        Assert.Equal(first, byUrls.Address.Port);
        var byVariable = await _here.Start([.. settings, $"ASPNETCORE_URLS=http://127.0.0.1:{second}", $"PORT={third}"]).Listening();
        Assert.Equal(second, byVariable.Address.Port);
        var byPort = await _here.Start([.. settings, $"PORT={third}"]).Listening();
        Assert.Equal(third, byPort.Address.Port);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri($"http://127.0.0.1:{third}/healthz/ready"))).StatusCode);

        foreach (var service in new[] { byUrls, byVariable, byPort })
            Assert.Equal(0, await service.Stop());
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<string> Value(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
