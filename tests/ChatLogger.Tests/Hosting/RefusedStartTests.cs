using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace ChatLogger.Tests.Hosting;

/// <summary>
/// A start that cannot be right is refused with a sentence that names the setting, and before anything is started for it.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed class RefusedStartTests : IAsyncLifetime
{
    private const string Secret = "Session__Secret=0123456789abcdef0123456789abcdef";
    private const string Key = "clk_0000000000000000_0000000000000000000000000000000000000000000000000";

    private readonly ProcessSandbox _here = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _here.CleanUp();

    [Theory]
    [InlineData("ConnectionStrings__ChatLogger|DATABASE_URL|Database__Private", Secret)]
    [InlineData("Session__Secret|Session__SecretFile", "Database__Private=true")]
    [InlineData("Session__Secret|31 bytes", "Database__Private=true", "Session__Secret=0123456789abcdef0123456789abcde")]
    [InlineData("Session__Secret|Session__SecretFile", "Database__Private=true", Secret, "Session__SecretFile=/dev/null")]
    [InlineData("Session__SecretFile", "Database__Private=true", "Session__SecretFile=/nowhere/secret")]
    [InlineData("Session__PreviousSecret", "Database__Private=true", Secret, "Session__PreviousSecret=short")]
    [InlineData("Bootstrap__SuperAdmin__Password", "Database__Private=true", Secret, "Bootstrap__SuperAdmin__Email=root@example.com")]
    [InlineData("Bootstrap__SuperAdmin__Email", "Database__Private=true", Secret, "Bootstrap__SuperAdmin__Password=correct horse battery")]
    [InlineData(
        "Bootstrap__SuperAdmin__Email|e-mail",
        "Database__Private=true",
        Secret,
        "Bootstrap__SuperAdmin__Email=root",
        "Bootstrap__SuperAdmin__Password=correct horse battery"
    )]
    [InlineData(
        "Bootstrap__SuperAdmin__Password|12",
        "Database__Private=true",
        Secret,
        "Bootstrap__SuperAdmin__Email=root@example.com",
        "Bootstrap__SuperAdmin__Password=too short"
    )]
    [InlineData(
        "Bootstrap__SuperAdmin__PasswordFile",
        "Database__Private=true",
        Secret,
        "Bootstrap__SuperAdmin__Email=root@example.com",
        "Bootstrap__SuperAdmin__PasswordFile=/nowhere/password"
    )]
    [InlineData("Bootstrap__Organization__Name", "Database__Private=true", Secret, "Bootstrap__Organization__Slug=acme")]
    [InlineData("Bootstrap__Organization__Slug", "Database__Private=true", Secret, "Bootstrap__Organization__Name=Acme")]
    [InlineData(
        "Bootstrap__Organization__Slug|hyphen",
        "Database__Private=true",
        Secret,
        "Bootstrap__Organization__Slug=Acme!",
        "Bootstrap__Organization__Name=Acme"
    )]
    [InlineData("Bootstrap__Organization__Slug", "Database__Private=true", Secret, "Bootstrap__ApiKey__Key=" + Key)]
    [InlineData(
        "Bootstrap__ApiKey__Key|checksum",
        "Database__Private=true",
        Secret,
        "Bootstrap__Organization__Slug=acme",
        "Bootstrap__Organization__Name=Acme",
        "Bootstrap__ApiKey__Key=" + Key
    )]
    [InlineData("Limits__Contnt|ContentBytes", "Database__Private=true", Secret, "Limits__Contnt=1")]
    [InlineData("Limits__ContentBytes|number", "Database__Private=true", Secret, "Limits__ContentBytes=plenty")]
    [InlineData("Limits__ContentBytes|4194304", "Database__Private=true", Secret, "Limits__ContentBytes=4194305")]
    [InlineData("Server__BodyTimeout|00:10:00", "Database__Private=true", Secret, "Server__BodyTimeout=10")]
    [InlineData("Database__Private|true or false", Secret, "Database__Private=maybe")]
    [InlineData("Database__ConnectionString", Secret, "Database__ConnectionString=Host=db;Password=hunter2hunter2")]
    [InlineData("Bootstrap__SuperAdmin__Pasword", "Database__Private=true", Secret, "Bootstrap__SuperAdmin__Pasword=hunter2hunter2")]
    [InlineData("ConnectionStrings__ChatLogger", Secret, "ConnectionStrings__ChatLogger=Host=db;Pass=hunter2hunter2")]
    [InlineData("DATABASE_URL", Secret, "DATABASE_URL=postgres://me:hunter2hunter2@db/chat?colour=blue")]
    [InlineData("Cors__Origins__0|https://dashboard.example", "Database__Private=true", Secret, "Cors__Origins__0=https://*.example")]
    [InlineData(
        "Cors__Origins__1|no slash",
        "Database__Private=true",
        Secret,
        "Cors__Origins__0=https://dashboard.example",
        "Cors__Origins__1=https://dashboard.example/"
    )]
    [InlineData("Cors__Origins__0|list", "Database__Private=true", Secret, "Cors__Origins=https://dashboard.example")]
    [InlineData("ApiKeys__0__Sha256", "Database__Private=true", Secret, "ApiKeys__0__Slug=acme")]
    [InlineData("Proxies__Trusted__0|10.0.0.0/8", "Database__Private=true", Secret, "Proxies__Trusted__0=hunter2hunter2")]
    [InlineData("RateLimits__Ingest__Burst|10000000", "Database__Private=true", Secret, "RateLimits__Ingest__Burst=0")]
    [InlineData("PORT", "Database__Private=true", Secret, "PORT=http")]
    [InlineData("PathBase|/chatlogger", "Database__Private=true", Secret, "PathBase=chatlogger")]
    [InlineData("Exports__Directory|not there", "Database__Private=true", Secret, "Exports__Directory=/nowhere/exports")]
    [InlineData("Exports__Directory", "Database__Private=true", Secret, "Exports__Directory=/dev/null")]
    [InlineData("Database__StartTimeout|00:00:30|30 days", "Database__Private=true", Secret, "Database__StartTimeout=30")]
    public async Task Production_says_what_is_wrong_with_its_settings(string named, params string[] settings)
    {
        var service = await _here.Run(settings, []);

        Assert.Equal(1, service.ExitCode);

        foreach (var part in named.Split('|'))
            Assert.Contains(part, service.Errors);
        IsJustASentence(service.Output, service.Errors);
        Assert.False(Directory.Exists(_here.Data));
        foreach (var value in new[] { "0123456789abcde", "correct horse", "too short,", "hunter2", Key })
            Assert.DoesNotContain(value, service.Errors);
    }

    [Fact]
    public async Task A_refused_start_ends_the_process()
    {
        var service = _here.Start(["Database__Private=true", "Session__Secret=hunter2hunter2"]);

        Assert.Equal(1, await service.Exit());
        Assert.Contains("Session__Secret", service.Errors);
        Assert.DoesNotContain("hunter2", service.Errors);
        IsJustASentence(service.Output, service.Errors);
        Assert.False(Directory.Exists(_here.Data));
    }

    [Fact]
    public async Task Data_of_another_major_version_is_refused_with_what_to_do()
    {
        Directory.CreateDirectory(_here.Cluster);
        await File.WriteAllTextAsync(Path.Combine(_here.Cluster, "PG_VERSION"), "14\n");

        var service = _here.Start(["ASPNETCORE_ENVIRONMENT=Development"]);

        Assert.Equal(1, await service.Exit());
        Assert.Contains("was made by PostgreSQL 14", service.Errors);
        Assert.Contains("ConnectionStrings__ChatLogger", service.Errors);
        IsJustASentence(service.Output, service.Errors);
        Assert.Equal(["PG_VERSION"], Directory.EnumerateFileSystemEntries(_here.Cluster).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_directory_without_PostgreSQL_is_refused_by_the_name_of_the_setting()
    {
        var service = _here.Start(["ASPNETCORE_ENVIRONMENT=Development", $"Database__Binaries={_here.Temp}"]);

        Assert.Equal(1, await service.Exit());
        Assert.Contains($"Database__Binaries is {_here.Temp}", service.Errors);
        IsJustASentence(service.Output, service.Errors);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=me;Password=hunter2hunter2;Database=chat", "cannot be reached")]
    [InlineData("Host=/nowhere;Username=me;Password=hunter2hunter2;Database=chat", "cannot be reached")]
    public async Task An_unreachable_database_is_waited_for_and_then_named(string connection, string sentence)
    {
        var service = _here.Start([Secret, "Database__StartTimeout=00:00:01", $"ConnectionStrings__ChatLogger={connection}"]);

        Assert.Equal(1, await service.Exit());
        Assert.Contains(sentence, service.Errors);
        Assert.Contains("Waiting for the database", service.Output);
        Assert.DoesNotContain("   at ", service.Errors + service.Output);
        Assert.DoesNotContain("hunter2", service.Errors + service.Output);
    }

    [Fact]
    public async Task A_used_port_and_an_invalid_address_refuse_the_start_with_one_sentence()
    {
        var database = await TestServer.NewDatabase();
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://{taken.LocalEndpoint}";

        var settings = new[] { Secret, $"ConnectionStrings__ChatLogger={database}" };
        foreach (var (bad, said) in new[] { (url, url), ("nonsense", "nonsense"), ("https://127.0.0.1:0", "HTTPS") })
        {
            var service = await _here.Run(settings, ["--urls", bad]);
            Assert.Equal(1, service.ExitCode);
            Assert.Contains(said, service.Errors);
            Assert.StartsWith($"chatlogger: Cannot listen at {bad}: ", service.Errors);
            Assert.Contains("--urls", service.Errors);
            Assert.Single(service.Errors.Split('\n'));
            IsJustASentence(service.Output, service.Errors);
        }
        await TestServer.Drop(database);
    }

    private static void IsJustASentence(string output, string errors)
    {
        Assert.StartsWith("chatlogger: ", errors);
        Assert.DoesNotContain("   at ", errors);
        Assert.DoesNotContain("Exception", errors);
        Assert.Equal("", output);
    }
}
