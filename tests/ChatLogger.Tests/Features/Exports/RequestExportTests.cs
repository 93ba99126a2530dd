using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace ChatLogger.Tests.Features.Exports;

public class RequestExportTests(ExportApp app) : IClassFixture<ExportApp>
{
    [Fact]
    public async Task A_small_export_is_the_answer()
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await globex.Say(await globex.Chat(), "theirs");
        var chat = await acme.Chat(new { title = "=SUM(A1)", tags = new[] { "a,b" }, externalUserId = "v-1" });
        await acme.Say(chat, "Hello, \"you\"\r\nthere");

        var answer = (await (await acme.Admin()).Post(ExportFixture.Path, new { format = "csv" })).Is(200);

        var lines = answer.Body.Split("\r\n");
        Assert.Equal(
            "chatId,chatTitle,chatTags,userId,externalUserId,chatCreatedAt,messageId,role,content,model,"
                + "latencyMs,tokenCount,promptTokens,completionTokens,metadata,rating,createdAt,name,toolCallId,toolCalls,parts",
            lines[0]);
        Assert.StartsWith($"{chat},'=SUM(A1),", lines[1], StringComparison.Ordinal);
        Assert.Contains("\"Hello, \"\"you\"\"\r\nthere\"", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("theirs", answer.Body, StringComparison.Ordinal);
        Assert.StartsWith("text/csv", answer.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Matches($"^attachment; filename=\"{acme.Slug}-\\d{{8}}-\\d{{6}}\\.csv\"$", answer.Header("Content-Disposition"));
        Assert.Equal($"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(answer.Body)))}\"", answer.Header("ETag"));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.Equal(0, await acme.Count("exports"));
    }

    [Fact]
    public async Task Chats_are_exported_by_model_and_rating()
    {
        var acme = await app.Org("acme");
        var plugin = await acme.Plugin();
        var admin = await acme.Admin();
        foreach (var (title, model, rating) in new[] { ("A", "m-1", "up"), ("B", "m-2", "down"), ("C", "m-1", null) })
        {
            var chat = await acme.Chat(new { title });
            (await plugin.Post($"{acme.ApiPath}/chats/{chat}/messages", new { role = "assistant", content = "x", model })).Is(201);
            if (rating is not null)
                (await plugin.Send(HttpMethod.Put, $"{acme.ApiPath}/chats/{chat}/feedback", new { rating })).Is(200);
        }

        foreach (var (filter, titles) in new[]
        {
            ("\"model\":\"m-1\"", "AC"), ("\"rating\":\"up\"", "A"), ("\"rating\":\"none\"", "C"),
            ("\"model\":\"m-2\",\"rating\":\"up\"", ""),
        })
        {
            var file = (await admin.Post(ExportFixture.Path, $$"""{"format":"jsonl",{{filter}}}""")).Is(200).Body;
            Assert.Equal(titles, string.Concat("ABC".Where(title => file.Contains($"\"title\":\"{title}\"", StringComparison.Ordinal))));
        }
        (await admin.Post(ExportFixture.Path, """{"format":"jsonl","rating":"x"}""")).IsInvalid("rating");
    }

    [Theory]
    [InlineData("json", "[]")]
    [InlineData("jsonl", "")]
    [InlineData("openai-jsonl", "")]
    public async Task An_empty_organization_exports_nothing_well_formed(string format, string file)
    {
        var acme = await app.Org("acme");

        Assert.Equal(file, (await (await acme.Admin()).Post(ExportFixture.Path, new { format })).Is(200).Body.Trim());
    }

    [Fact]
    public async Task A_large_export_is_accepted_and_downloaded_later()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        for (var i = 0; i < 6; i++)
            await acme.Say(chat, $"message {i}");
        var admin = await acme.Member("admin");

        (await admin.Caller.Post(ExportFixture.Path, new { format = "csv", mode = "sync" })).IsProblem(409, "export-too-large");
        var accepted = (await admin.Caller.Post(ExportFixture.Path, new { format = "csv" })).Is(202);

        Assert.Equal(
            [
                "id",
                "state",
                "format",
                "layout",
                "rows",
                "totalRows",
                "bytes",
                "sha256",
                "skipped",
                "reason",
                "requestedBy",
                "createdAt",
                "finishedAt",
                "expiresAt",
            ],
            accepted.Json.EnumerateObject().Select(property => property.Name));
        Assert.Equal("queued", accepted.Text("state"));
        Assert.Equal(admin.Id, accepted["requestedBy"].GetGuid());
        Assert.Equal($"/exports/orgs/me/{accepted.Text("id")}", accepted.Header("Location"));
        var file = (await admin.Caller.Ended(accepted.Header("Location")!)).Is(200);
        Assert.Equal(8, file.Body.Split("\r\n").Length);
        var listed = (await admin.Caller.Get(ExportFixture.Path)).Is(200)["items"][0];
        Assert.Equal("done", listed.GetProperty("state").GetString());
        Assert.Equal(6, listed.GetProperty("rows").GetInt64());
        Assert.Equal(6, listed.GetProperty("totalRows").GetInt64());
        Assert.Equal(Encoding.UTF8.GetByteCount(file.Body), listed.GetProperty("bytes").GetInt64());
        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(file.Body))),
            listed.GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task Many_bytes_are_much_too()
    {
        var acme = await app.Org("acme");
        await acme.LongChat(4, 40_000);

        (await (await acme.Admin()).Post(ExportFixture.Path, new { format = "jsonl", mode = "sync" })).IsProblem(409, "export-too-large");
        (await (await acme.Admin()).Post(ExportFixture.Path, new { format = "jsonl" })).Is(202);
    }

    [Fact]
    public async Task Filters_say_what_is_in_it()
    {
        var acme = await app.Org("acme");
        var ann = await acme.Member("user");
        var mine = await acme.Chat(new { tags = new[] { "a", "b" }, userId = ann.Id, externalUserId = "v-1" });
        await acme.Chat(new { tags = new[] { "a" } });
        await app.Execute("update chats set created_at = '2026-03-28T23:30:00Z' where id = @Id::uuid", new { Id = mine });
        var admin = await acme.Admin();

        async Task<bool> Has(object filter)
        {
            var answer = (await admin.Post(ExportFixture.Path, filter)).Is(200);
            var chats = answer.Json.EnumerateArray().Select(chat => chat.GetProperty("id").GetString()).ToArray();
            Assert.True(chats.Length <= 1, answer.Body);
            return chats.Contains(mine);
        }

        Assert.True(await Has(new { format = "json", tag = "b" }));
        Assert.True(await Has(new { format = "json", tag = new[] { "a", "b" } }));
        Assert.False(await Has(new { format = "json", tag = new[] { "b", "c" } }));
        Assert.True(await Has(new { format = "json", userId = ann.Id }));
        Assert.True(await Has(new { format = "json", externalUserId = "v-1" }));
        Assert.True(await Has(new { format = "json", from = "2026-03-29", to = "2026-03-30", timeZone = "Europe/Amsterdam" }));
        Assert.False(await Has(new { format = "json", from = "2026-03-29", to = "2026-03-30" }));
        Assert.True(await Has(new { format = "json", to = "2026-03-28T23:30:00.001Z" }));
        Assert.False(await Has(new { format = "json", to = "2026-03-28T23:30:00Z" }));
    }

    [Theory]
    [InlineData("{}", "format")]
    [InlineData("""{"format":"xml"}""", "format")]
    [InlineData("""{"format":"json","layout":"chats"}""", "layout")]
    [InlineData("""{"format":"csv","layout":"rows"}""", "layout")]
    [InlineData("""{"format":"csv","mode":"later"}""", "mode")]
    [InlineData("""{"format":"csv","timeZone":"Mars/Olympus"}""", "timeZone")]
    [InlineData("""{"format":"csv","from":"yesterday"}""", "from")]
    [InlineData("""{"format":"csv","from":"2026-02-30"}""", "from")]
    [InlineData("""{"format":"csv","from":"2026-01-02","to":"2026-01-02"}""", "from")]
    [InlineData("""{"format":"csv","tag":1}""", "tag")]
    [InlineData("""{"format":"csv","tag":[1]}""", "tag")]
    [InlineData("""{"format":"csv","userId":"me"}""", "userId")]
    [InlineData("""{"format":"csv","orgId":"0190a6e0-0000-7000-8000-000000000000"}""", "body")]
    public async Task Invalid_input_is_refused(string body, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Post(ExportFixture.Path, body)).IsInvalid(path);

        Assert.Equal(0, await acme.Count("exports"));
    }

    [Fact]
    public async Task A_small_file_is_compressed_for_clients_that_accept_it()
    {
        var acme = await app.Org("acme");
        await acme.Say(await acme.Chat(), "hello");
        var admin = await acme.Admin();
        var plain = (await admin.Post(ExportFixture.Path, new { format = "jsonl" })).Is(200);

        using var request = new HttpRequestMessage(HttpMethod.Post, ExportFixture.Path)
        {
            Content = Caller.Json("""{"format":"jsonl"}"""u8.ToArray()),
        };
        request.Headers.TryAddWithoutValidation("Cookie", admin.Credential);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "br, gzip;q=0.5");
        using var response = await app.Http.SendAsync(request);

        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
        await using var file = new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        Assert.Equal(plain.Body, await new StreamReader(file).ReadToEndAsync());
    }

    [Fact]
    public async Task Conditional_and_range_headers_are_ignored_by_a_POST()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();

        var answer = await admin.Send(HttpMethod.Post, ExportFixture.Path, Caller.Json("""{"format":"json"}"""u8.ToArray()), request =>
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", "*");
            request.Headers.TryAddWithoutValidation("Range", "bytes=0-0");
        });

        Assert.Equal("[]", answer.Is(200).Body.Trim());
    }

    [Theory]
    [InlineData("viewer")]
    [InlineData("user")]
    public async Task Only_an_admin_may_export(string role)
    {
        var acme = await app.Org("acme");
        var member = (await acme.Member(role)).Caller;

        (await member.Post(ExportFixture.Path, new { format = "csv", mode = "async" })).IsProblem(403, "forbidden");
        (await member.Get(ExportFixture.Path)).IsProblem(403, "forbidden");
        Assert.Equal(0, await acme.Count("exports"));
    }

    [Fact]
    public async Task A_superadmin_by_slug_a_plugin_and_a_stranger_not_at_all()
    {
        var acme = await app.Org("acme");
        var root = await app.Superadmin();

        (await root.Post($"/exports/orgs/{acme.Slug}", new { format = "csv" })).Is(200);
        var accepted = (await root.Post($"/exports/orgs/{acme.Slug}", new { format = "csv", mode = "async" })).Is(202);
        (await root.Ended(accepted.Header("Location")!)).Is(200);
        (await root.Post(ExportFixture.Path, new { format = "csv" })).IsProblem(409, "no-organization");
        (await (await acme.Plugin()).Post(ExportFixture.Path, new { format = "csv" })).IsProblem(401, "unauthenticated");
        (await app.Stranger.Post(ExportFixture.Path, new { format = "csv" })).IsProblem(401, "unauthenticated");
    }
}
