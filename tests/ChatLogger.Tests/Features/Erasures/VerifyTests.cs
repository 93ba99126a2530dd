using System.Runtime.Versioning;

namespace ChatLogger.Tests.Features.Erasures;

/// <summary>The command <c>erasure verify</c>: the receipt is that of the list, and nothing in the list is there.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class VerifyTests(ErasureApp app) : IClassFixture<ErasureApp>, IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task A_list_is_verified_and_what_is_changed_or_still_there_is_told()
    {
        var acme = await app.Org("acme");
        var admin = await acme.Admin();
        var chat = await acme.Chat(new { externalUserId = "v-17" });
        await acme.Say(chat, "x");
        var other = await acme.Chat();
        var erasure = await app.Done(admin, await admin.Erase("v-17"));
        var list = (await admin.Get($"{ErasureFixture.Path}/{erasure.Text("id")}/ids")).Is(200).Body;

        var right = await Verify(list);
        Assert.Equal(
            "The receipt matches.\n2 ids (chat 1, message 1, feedback 0, export 0): none of them is there any more.", right.Output);
        Assert.Equal(0, right.ExitCode);

        // One that is there: the receipt tells that the service has not made the list.
        var changed = await Verify(list.Replace(chat, other, StringComparison.Ordinal));
        Assert.Contains("The receipt does not match", changed.Output, StringComparison.Ordinal);
        Assert.Contains($"{other} is still there.", changed.Output, StringComparison.Ordinal);
        Assert.Equal(1, changed.ExitCode);
        // A list that is cut, or that has a line less.
        Assert.Equal(1, (await Verify(list[..list.IndexOf("{\"receipt\"", StringComparison.Ordinal)])).ExitCode);
        Assert.Equal(1, (await Verify(list.Replace($"{{\"chat\":\"{chat}\"}}\n", "", StringComparison.Ordinal))).ExitCode);

        // The right receipt does not help where something has come back.
        await app.Execute(
            "insert into chats (org_id, id, created_at, updated_at) values (@Org, @Id::uuid, now(), now())",
            new { Org = acme.Id, Id = chat });
        var back = await Verify(list);
        Assert.Equal(
            $"{chat} is still there.\nThe receipt matches.\n2 ids (chat 1, message 1, feedback 0, export 0): 1 are still there.",
            back.Output);
        Assert.Equal(1, back.ExitCode);

        foreach (var line in new[]
                 {
                     "null", "{}", """{"chat":null}""", """{"a":"b","c":"d"}""", """{"a":"b"}""", """{"chat":"x"}""",
                     """{"receipt":"x"}""", "",
                 })
        {
            var broken = await Verify(list.Replace($"{{\"chat\":\"{chat}\"}}", line, StringComparison.Ordinal));
            Assert.Equal(
                (1, "chatlogger: Line 2 of the file does not belong in a list of erased ids."), (broken.ExitCode, broken.Errors));
        }
        var refused = await Verify("{}\n");
        Assert.Equal((1, "chatlogger: The file cannot be read, or is no list of erased ids."), (refused.ExitCode, refused.Errors));
    }

    private async Task<CommandRun> Verify(string list)
    {
        await File.WriteAllTextAsync(_file, list);
        return await CommandRun.Of(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__ChatLogger"] = app.ConnectionString,
                ["Session__Secret"] = "0123456789abcdef0123456789abcdef",
            },
            ["erasure", "verify", _file],
            null);
    }
}
