using System.Buffers;
using System.Text;
using ChatLogger.ExportJobs;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Exports;

public partial class ExportWriterTests
{
    [Fact]
    public async Task A_format_is_added_by_a_class_and_its_registration()
    {
        var acme = await app.Org("acme");
        var chat = await acme.InsertChat("title");
        await acme.InsertMessage(chat, "hello");
        await acme.InsertMessage(chat, "world");

        Assert.Equal("BEGIN title HELLO WORLD . END", (await Exported.Of(acme, "shout")).Text);
    }

    [Fact]
    public async Task An_unregistered_format_is_refused_with_a_sentence()
    {
        var acme = await app.Org("acme");

        await Assert.ThrowsAsync<ExportFailed>(() => Exported.Of(acme, "xlsx"));
        await Assert.ThrowsAsync<ExportFailed>(() => Exported.Of(acme, "csv", "pivot"));
        await Assert.ThrowsAsync<ExportFailed>(() => Exported.Of(acme, "json", "messages"));
    }

    [Fact]
    public async Task A_row_that_cannot_be_written_is_named()
    {
        var acme = await app.Org("acme");
        var chat = await acme.InsertChat();
        var message = await acme.InsertMessage(chat, "unspeakable");
        var other = await app.Org("acme");
        var timeless = await other.InsertChat();
        await app.Execute("update chats set created_at = 'infinity' where org_id = @Id", new { other.Id });

        var failure = await Assert.ThrowsAsync<ExportFailed>(() => Exported.Of(acme, "shout"));
        var outOfTime = await Assert.ThrowsAsync<ExportFailed>(() => Exported.Of(other, "json"));

        Assert.Equal($"Message {message} of chat {chat} could not be written.", failure.Message);
        Assert.Equal($"Chat {timeless} could not be written.", outOfTime.Message);
        Assert.Equal(0, await app.ActiveCopies());
    }

    [Fact]
    public async Task Answered_at_once_it_is_a_refusal_with_the_reason_and_no_file()
    {
        var acme = await app.Org("acme");
        var chat = await acme.InsertChat();
        await acme.InsertMessage(chat, "well formed");
        var message = await acme.InsertMessage(chat, "unspeakable");

        var refusal = await (await acme.Admin()).Post("/exports/orgs/me", new { format = "shout", mode = "sync" });

        Assert.Equal($"Message {message} of chat {chat} could not be written.", refusal.IsProblem(409, "export-failed").Text("detail"));
        (await (await acme.Admin()).Post("/exports/orgs/me", new { format = "jsonl", mode = "sync" })).Is(200);
    }

    public class AppWithShouting : App
    {
        protected override void Customize(WebApplicationBuilder builder) => builder.Services.AddSingleton<IExportFormat, Shouting>();
    }

    private sealed class Shouting : IExportFormat
    {
        public string Name => "shout";

        public string ContentType => "text/plain";

        public string FileExtension => "txt";

        public IExportRowWriter Begin(IBufferWriter<byte> output, ExportStyle style)
        {
            output.Write("BEGIN"u8);
            return new File(output);
        }

        private sealed class File(IBufferWriter<byte> output) : IExportRowWriter
        {
            public bool Chat(in ExportedChat chat) => Write($" {Encoding.UTF8.GetString(chat.Title)}");

            public bool Message(in ExportedMessage message) =>
                Write(
                    message.Content.SequenceEqual("unspeakable"u8)
                        ? throw new NotSupportedException()
                        : $" {Encoding.UTF8.GetString(message.Content).ToUpperInvariant()}");

            public void EndChat() => Write(" .");

            public void End() => Write(" END");

            private bool Write(string text)
            {
                output.Write(Encoding.UTF8.GetBytes(text));
                return true;
            }
        }
    }
}
