using ChatLogger.ExportJobs;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Exports;

public partial class ExportWriterTests(ExportWriterTests.AppWithShouting app) : IClassFixture<ExportWriterTests.AppWithShouting>
{
    public static TheoryData<string, string?> Formats => new()
    {
        { "json", null },
        { "jsonl", null },
        { "csv", "messages" },
        { "csv", "chats" },
        { "openai-jsonl", null },
    };

    [Fact]
    public async Task Chats_are_ordered_by_their_time_and_messages_by_arrival()
    {
        var acme = await app.Org("acme");
        var late = await acme.InsertChat("late", at: Rows.Morning.AddDays(2));
        var early = await acme.InsertChat("early", at: Rows.Morning);
        var tieB = await acme.InsertChat("tie b", at: Rows.Morning.AddDays(1), id: Guid.Parse("0190a6e0-0000-7000-8000-00000000000b"));
        var tieA = await acme.InsertChat("tie a", at: Rows.Morning.AddDays(1), id: Guid.Parse("0190a6e0-0000-7000-8000-00000000000a"));
        await acme.InsertMessage(late, "1", at: Rows.Morning.AddDays(9));
        await acme.InsertMessage(early, "2", at: Rows.Morning.AddDays(8));
        await acme.InsertMessage(late, "3", at: Rows.Morning.AddDays(7));
        await acme.InsertMessage(early, "4", at: Rows.Morning.AddDays(6));

        var chats = (await Exported.Of(acme, "jsonl")).Lines;

        Assert.Equal([early, tieA, tieB, late], chats.Select(chat => chat.GetProperty("id").GetGuid()));
        Assert.Equal(
            ["2", "4"],
            chats[0].GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("content").GetString()!));
        Assert.Equal(["2", "4", "1", "3"], (await Exported.Of(acme, "csv")).Rows.Select(row => row["content"]));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Another_organization_and_what_was_deleted_never_appear(string format, string? layout)
    {
        var acme = await app.Org("acme");
        var globex = await app.Org("globex");
        await acme.InsertMessage(await acme.InsertChat("OURS"), "OURS", "assistant");
        var id = Guid.CreateVersion7();
        await acme.InsertMessage(await acme.InsertChat("OURS", id: id), "OURS", "assistant");
        var foreign = await globex.InsertChat("THEIRS", id: id);
        await globex.Rate(foreign, await globex.InsertMessage(foreign, "THEIRS"), "up", "THEIRS");
        await globex.Rate(foreign, foreign, "up", "THEIRS");
        await acme.InsertMessage(await acme.InsertChat("GONE", id: Guid.Parse("0190a6e0-0000-7000-8000-000000000001")), "GONE");
        await app.Execute("update chats set deleted_at = now() where org_id = @Id and title = 'GONE'", new { acme.Id });

        var text = (await Exported.Of(acme, format, layout)).Text;

        Assert.True(text.Split("OURS").Length > 2);
        Assert.DoesNotContain("THEIRS", text, StringComparison.Ordinal);
        Assert.DoesNotContain("GONE", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\"up\"", text, StringComparison.Ordinal);
        Assert.Equal(
            2,
            await app
                .Services.GetRequiredService<IExportWriter>()
                .CountMessages(Exported.Request(acme, format), 100, CancellationToken.None));
    }

    [Fact]
    public async Task Each_filter_and_all_together_say_which_chats()
    {
        var acme = await app.Org("acme");
        var member = await acme.Member("user");
        var nasty = "it's \\ \"x\", {a} \r\n $1 😀";
        await acme.InsertChat("a", ["x", nasty], user: member.Id, visitor: nasty, at: Rows.Morning);
        await acme.InsertChat("b", ["x"], user: member.Id, at: Rows.Morning.AddDays(1));
        await acme.InsertChat("c", [nasty], visitor: nasty, at: Rows.Morning.AddDays(2));
        await acme.InsertChat("d", ["NULL", "X"], at: Rows.Morning.AddDays(3));
        var all = Exported.Request(acme, "jsonl");
        var morning = new DateTimeOffset(Rows.Morning);

        Assert.Equal("abcd", await Titles(all));
        Assert.Equal("bcd", await Titles(all with { From = morning.AddTicks(10) }));
        Assert.Equal("abcd", await Titles(all with { From = morning.ToOffset(TimeSpan.FromHours(9)) }));
        Assert.Equal("ab", await Titles(all with { To = morning.AddDays(2) }));
        Assert.Equal("abc", await Titles(all with { To = morning.AddDays(2).AddTicks(10) }));
        Assert.Equal("ab", await Titles(all with { Tags = ["x"] }));
        Assert.Equal("ac", await Titles(all with { Tags = [nasty] }));
        Assert.Equal("a", await Titles(all with { Tags = [nasty, "x"] }));
        Assert.Equal("d", await Titles(all with { Tags = ["NULL"] }));
        Assert.Equal("ab", await Titles(all with { UserId = member.Id }));
        Assert.Equal("ac", await Titles(all with { ExternalUserId = nasty }));
        Assert.Equal("", await Titles(all with { ExternalUserId = "' or true --" }));
        Assert.Equal("a", await Titles(new(acme.Id, "jsonl", null, morning, morning.AddDays(1), ["x"], member.Id, nasty)));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Changes_during_the_export_do_not_appear_in_it(string format, string? layout)
    {
        var acme = await app.Org("acme");
        var chats = new List<Guid>();
        for (var i = 0; i < 6; i++)
        {
            chats.Add(await acme.InsertChat($"chat {i}", at: Rows.Morning.AddDays(i)));
            await acme.InsertMessages(chats[i], 20, 200_000);
        }
        await app.Execute("update messages set role = 'assistant' where org_id = @Id", new { acme.Id });
        var before = (await Exported.Of(acme, format, layout)).Text;
        var changed = false;

        var during = await Exported.Of(app, Exported.Request(acme, format, layout), async _ =>
        {
            if (changed)
                return;
            changed = true;
            await acme.InsertMessage(chats[5], "LATER");
            await acme.InsertMessage(await acme.InsertChat("LATER", at: Rows.Morning.AddDays(4)), "LATER");
            await acme.Rate(chats[5], chats[5], "down");
            await app.Execute("update chats set title = 'LATER' where org_id = @Id and id = @Chat", new { acme.Id, Chat = chats[4] });
            await app.Execute("update chats set deleted_at = now() where org_id = @Id and id = @Chat", new { acme.Id, Chat = chats[3] });
            await app.Execute("delete from messages where org_id = @Id and chat_id = @Chat", new { acme.Id, Chat = chats[5] });
        });

        Assert.True(changed);
        Assert.True(before == during.Text, "The export is not what it was when it began.");
        Assert.NotEqual(before, (await Exported.Of(acme, format, layout)).Text);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Progress_counts_what_the_file_has_records_of(string format, string? layout)
    {
        var acme = await app.Org("acme");
        await acme.InsertMessages(await acme.InsertChat(), 40, 20_000);
        await acme.InsertMessages(await acme.InsertChat(), 2, 10);
        await acme.InsertChat();
        await app.Execute("update messages set role = 'assistant' where org_id = @Id", new { acme.Id });
        var total = layout == "messages" ? 42 : 3;

        var exported = await Exported.Of(acme, format, layout);
        var progress = exported.Progress;

        // A chat without messages is no training example; the writer skips it when it reads it.
        Assert.Equal(format == "openai-jsonl" ? 1 : 0, exported.Skipped);
        if (format == "openai-jsonl")
        {
            Assert.Equal((2, 2), progress[^1]);
            progress[^1] = (total, total);
        }

        Assert.Equal((0, total), progress[0]);
        Assert.Equal((total, total), progress[^1]);
        Assert.True(progress.Count > 3);
        Assert.All(progress, step => Assert.Equal(total, step.Total));
        Assert.Equal(progress.Select(step => step.Records).Order(), progress.Select(step => step.Records));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task The_longest_messages_go_through_in_blocks_of_a_mebibyte_at_most(string format, string? layout)
    {
        var acme = await app.Org("acme");
        var chat = await acme.InsertChat();
        var cell = string.Concat(Enumerable.Repeat("say \"😀\",\r\n", 9_000));
        var longest = new string('\u0001', 4_194_304);
        await acme.InsertMessage(chat, cell);
        await acme.InsertMessage(chat, new string('é', 131_072));
        await acme.InsertMessage(chat, longest);
        await acme.InsertMessage(chat, "end", "assistant");

        var exported = await Exported.Of(acme, format, layout);

        Assert.All(exported.Blocks, block => Assert.InRange(block, 1, 1024 * 1024));
        string[] contents = [cell, new('é', 131_072), longest, "end"];
        if (format == "csv" && layout == "messages")
            Assert.Equal(contents, exported.Rows.Select(row => row["content"]));
        else if (format == "csv")
            Assert.Equal(
                string.Join("\n\n", contents.Select((content, i) => (i < 3 ? "user: " : "assistant: ") + content)),
                exported.Rows[0]["transcript"]);
        else
            Assert.Equal(
                contents,
                (format == "json" ? exported.Json[0] : exported.Lines[0])
                    .GetProperty("messages")
                    .EnumerateArray()
                    .Select(said => said.GetProperty("content").GetString()!));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(4, 5)]
    [InlineData(5, 5)]
    [InlineData(long.MaxValue, 5)]
    public async Task Messages_are_counted_up_to_one_more_than_matters(long most, long counted)
    {
        var acme = await app.Org("acme");
        await acme.InsertMessages(await acme.InsertChat(tags: ["a"]), 5, 10);
        await acme.InsertMessages(await acme.InsertChat(), 5, 10);
        var request = Exported.Request(acme, "csv") with { Tags = ["a"] };

        Assert.Equal(counted, await app.Services.GetRequiredService<IExportWriter>().CountMessages(request, most, CancellationToken.None));
    }

    private async Task<string> Titles(ExportRequest request) =>
        string.Concat((await Exported.Of(app, request)).Lines.Select(chat => chat.GetProperty("title").GetString()));
}
