using ChatLogger.Auth;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Contracts;

/// <summary>The service with a short database deadline and a slow hasher.</summary>
public class ShortDeadlineApp : App
{
    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    internal SlowHasher Hasher { get; } = new();

    protected override void Customize(WebApplicationBuilder builder)
    {
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Server:DatabaseDeadline"] = $"{Deadline}",
            ["Server:SyncExportDeadline"] = $"{Deadline}",
        });
        builder.Services.AddSingleton<IPasswordHasher>(Hasher);
    }

    internal sealed class SlowHasher : IPasswordHasher
    {
        private readonly Bcrypt _bcrypt = new(4);

        public TimeSpan Takes { get; set; }

        public string Hash(string password) => _bcrypt.Hash(password);

        public bool NeedsRehash(string hash) => false;

        public bool Verify(string password, string hash)
        {
            Thread.Sleep(Takes);
            return _bcrypt.Verify(password, hash);
        }
    }
}

/// <summary>The deadline limits only work on the database, and neither hashing nor sending.</summary>
public class DeadlineTests(ShortDeadlineApp app) : IClassFixture<ShortDeadlineApp>
{
    [Fact]
    public async Task A_login_that_waits_for_its_hash_succeeds()
    {
        var member = await (await app.Org("acme")).Member("viewer");
        app.Hasher.Takes = 2 * ShortDeadlineApp.Deadline;
        try
        {
            await app.LogIn(member.Email);
        }
        finally
        {
            app.Hasher.Takes = TimeSpan.Zero;
        }
    }

    [Fact]
    public async Task An_answer_that_is_being_sent_is_sent_whole_whatever_time_its_reader_takes()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat();
        var said = await acme.Say(chat, "first");
        // More than fits between the two sockets.
        await app.Execute(
            """
            insert into messages (org_id, chat_id, id, role, content, created_at)
            select org_id, chat_id, gen_random_uuid(), role, repeat(md5(n::text), 8192), created_at
            from messages, generate_series(1, 100) n
            where org_id = @OrgId and id = @Id
            """,
            new { OrgId = acme.Id, Id = Guid.Parse(said) });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/exports/orgs/me")
        {
            Content = Caller.Json("""{"format":"jsonl","mode":"sync"}"""u8.ToArray()),
        };
        request.Headers.Add("Cookie", admin.Credential);

        using var response = await app.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(200, (int)response.StatusCode);
        await Task.Delay(2 * ShortDeadlineApp.Deadline);
        var file = await response.Content.ReadAsByteArrayAsync();

        Assert.Equal(response.Content.Headers.ContentLength, file.Length);
        Assert.InRange(file.Length, 100 * 262_144, 33 * 1_048_576);
    }
}
