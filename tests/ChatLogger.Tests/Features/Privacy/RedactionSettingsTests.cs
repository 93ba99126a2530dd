using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Privacy;

/// <summary>An admin chooses what is replaced, tries it, and is told what is wrong with a pattern.</summary>
public class RedactionSettingsTests(LeasedApp app) : IClassFixture<LeasedApp>
{
    [Fact]
    public async Task It_is_off_then_as_it_was_chosen_then_off_again()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        const string off = """{"kinds":[],"patterns":[],"metadata":false}""";

        var before = (await admin.Get("/orgs/me")).Is(200)["settings"];
        Assert.Equal((off, "null"), (before.GetProperty("redaction").GetRawText(), before.GetProperty("retentionDays").GetRawText()));
        var chosen = new { kinds = new[] { "secret", "email" }, patterns = new[] { new { name = "order", pattern = "ORD-[0-9]+" } } };
        var changed = (await Change(new { redaction = chosen, retentionDays = 30 })).Is(200)["settings"];
        Assert.Equal(
            """{"kinds":["email","secret"],"patterns":[{"name":"order","pattern":"ORD-[0-9]+"}],"metadata":false}""",
            changed.GetProperty("redaction").GetRawText());
        Assert.Equal(30, changed.GetProperty("retentionDays").GetInt32());
        // Absent stays, and the same is no change.
        var audited = await acme.Count("audit_events");
        Assert.Equal(changed.GetRawText(), (await Change(new { timeZone = "UTC", redaction = chosen })).Is(200)["settings"].GetRawText());
        Assert.Equal(audited, await acme.Count("audit_events"));
        var ended = (await Change(new { redaction = new { }, retentionDays = 0 })).Is(200)["settings"];
        Assert.Equal((off, "null"), (ended.GetProperty("redaction").GetRawText(), ended.GetProperty("retentionDays").GetRawText()));

        Task<Answer> Change(object settings) => admin.Patch("/orgs/me", new { settings });
    }

    [Theory]
    [InlineData("""{"kinds":["e-mail"]}""", "settings.redaction.kinds")]
    [InlineData("""{"patterns":[{"name":"a b","pattern":"x"}]}""", "settings.redaction.patterns[0].name")]
    [InlineData("""{"patterns":[{"name":"email","pattern":"x"}]}""", "settings.redaction.patterns[0].name")]
    [InlineData("""{"patterns":[{"name":"a","pattern":"x"},{"name":"A","pattern":"y"}]}""", "settings.redaction.patterns[1].name")]
    [InlineData("""{"patterns":[{"name":"a","pattern":"(a)\\1"}]}""", "settings.redaction.patterns[0].pattern")]
    [InlineData("""{"patterns":[{"name":"a","pattern":"("}]}""", "settings.redaction.patterns[0].pattern")]
    [InlineData("""{"patterns":[{"name":"a"}]}""", "settings.redaction.patterns[0].pattern")]
    [InlineData("""{"patterns":[null]}""", "settings.redaction.patterns[0].name")]
    [InlineData("""{"patterns":[{"name":"a","pattern":"(?:a{99}){99}"}]}""", "settings.redaction.patterns[0].pattern")]
    public async Task What_is_wrong_is_refused_with_a_sentence(string redaction, string path)
    {
        var acme = await app.Org("acme");

        (await (await acme.Admin()).Patch("/orgs/me", $$$"""{"settings":{"redaction":{{{redaction}}}}}""")).IsInvalid(path);
    }

    [Theory]
    [InlineData("""{"metadata":"true"}""", "settings.redaction.metadata", "Must be true or false.")]
    [InlineData("""{"kinds":"email"}""", "settings.redaction.kinds", "Must be an array.")]
    [InlineData("""{"kinds":[1]}""", "settings.redaction.kinds[0]", "Must be a string.")]
    [InlineData("""{"patterns":[{"name":1}]}""", "settings.redaction.patterns[0].name", "Must be a string.")]
    [InlineData(
        """{"x":1}""", "settings.redaction", "There is a member that is not known here. Known are: kinds, patterns, metadata.")]
    [InlineData(
        """{"patterns":[{"x.y":1}]}""", "settings.redaction.patterns[0]",
        "There is a member that is not known here. Known are: name, pattern.")]
    [InlineData(
        """{"patterns":[{"name":"a","pattern":"("}]}""", "settings.redaction.patterns[0].pattern",
        "The pattern is not a regular expression of .NET.")]
    public async Task The_sentence_says_what_is_wrong_where_it_is(string redaction, string path, string sentence)
    {
        var admin = await (await app.Org("acme")).Admin();

        var refused = (await admin.Patch("/orgs/me", $$$"""{"settings":{"redaction":{{{redaction}}}}}""")).IsInvalid(path);

        Assert.Equal(sentence, refused["errors"].GetProperty(path)[0].GetString());
    }

    [Fact]
    public async Task An_empty_text_stays_empty_and_none_is_refused()
    {
        var admin = await (await app.Org("acme")).Admin();

        var empty = (await admin.Post("/orgs/me/redaction/preview", new { text = "" })).Is(200);

        Assert.Equal("""{"text":"","found":[]}""", empty.Body);
        (await admin.Post("/orgs/me/redaction/preview", new { })).IsInvalid("text");
    }

    [Fact]
    public async Task There_are_bounds()
    {
        var admin = await (await app.Org("acme")).Admin();
        object Patterns(int count, int length) => new
        {
            settings = new
            {
                redaction = new
                {
                    patterns = Enumerable.Range(0, count).Select(i => new { name = $"n{i}", pattern = new string('x', length) }),
                },
            },
        };

        (await admin.Patch("/orgs/me", Patterns(20, 200))).Is(200);
        (await admin.Patch("/orgs/me", Patterns(21, 1))).IsInvalid("settings.redaction.patterns");
        (await admin.Patch("/orgs/me", Patterns(1, 201))).IsInvalid("settings.redaction.patterns[0].pattern");
        (await admin.Patch("/orgs/me", new { settings = new { retentionDays = 3_651 } })).IsInvalid("settings.retentionDays");
        (await admin.Patch("/orgs/me", new { settings = new { retentionDays = -1 } })).IsInvalid("settings.retentionDays");
    }

    [Fact]
    public async Task A_preview_shows_what_would_be_stored()
    {
        var (acme, globex) = (await app.Org("acme"), await app.Org("globex"));
        var admin = await acme.Admin();
        (await admin.Patch("/orgs/me", new { settings = new { redaction = new { kinds = new[] { "email", "phone" } } } })).Is(200);
        var body = new { text = "a@b.nl, c@d.nl, 06-12345678" };

        var answer = (await admin.Post("/orgs/me/redaction/preview", body)).Is(200);
        Assert.Equal("[email], [email], [phone]", answer.Text("text"));
        Assert.Equal("""[{"kind":"email","count":2},{"kind":"phone","count":1}]""", answer["found"].GetRawText());
        var elsewhere = (await (await globex.Admin()).Post("/orgs/me/redaction/preview", body)).Is(200);
        Assert.Equal((body.text, 0), (elsewhere.Text("text"), elsewhere["found"].GetArrayLength()));
        (await admin.Post("/orgs/me/redaction/preview", new { })).IsInvalid("text");
        (await admin.Post("/orgs/me/redaction/preview", new { text = new string('x', 262_145) })).IsInvalid("text");
        (await (await acme.Member("user")).Caller.Post("/orgs/me/redaction/preview", body)).IsProblem(403, "forbidden");
    }

    [Fact]
    public async Task It_is_in_force_on_another_instance_within_five_seconds()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat();
        await acme.Say(chat, "a@b.nl");
        // Written past this instance, as by another one.
        await app.Execute(
            """update organizations set redaction = '{"kinds":["email"],"patterns":[],"metadata":false}' where id = @Id""",
            new { acme.Id });
        using var since = LoadAwareStopwatch.Start();

        await Wait.Until(async () =>
        {
            await acme.Say(chat, "a@b.nl");
            return await app.Value<bool>(
                "select exists (select from messages where org_id = @Id and content = '[email]')", new { acme.Id });
        });

        await since.Within(seconds: 5);
    }
}
