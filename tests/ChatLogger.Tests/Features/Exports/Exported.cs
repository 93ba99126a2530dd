using System.Text;
using System.Text.Json;
using ChatLogger.ExportJobs;
using CsvHelper;
using Microsoft.Extensions.DependencyInjection;

namespace ChatLogger.Tests.Features.Exports;

/// <summary>An exported file, read back with independent parsers.</summary>
internal sealed class Exported
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public List<int> Blocks { get; } = [];

    public List<(long Records, long Total)> Progress { get; } = [];

    public List<Guid> Chats { get; } = [];

    public long Skipped { get; private set; }

    public MemoryStream Bytes { get; } = new();

    public string Text => Strict.GetString(Bytes.ToArray());

    public JsonElement Json => JsonDocument.Parse(Bytes.ToArray()).RootElement;

    /// <summary>Every line ends with a line feed, and is a document of its own.</summary>
    public List<JsonElement> Lines
    {
        get
        {
            var lines = Text.Split('\n');
            Assert.Equal("", lines[^1]);
            return [.. lines[..^1].Select(line => JsonDocument.Parse(line).RootElement)];
        }
    }

    public List<Dictionary<string, string>> Rows
    {
        get
        {
            using var csv = CsvReader.FromText(Text, new CsvReaderOptions
            {
                Separator = ',',
                SkipEmptyLines = false,
                MalformedData = CsvMalformedDataHandling.Throw,
                FieldCountMismatch = CsvFieldCountHandling.Throw,
            });
            var rows = new List<Dictionary<string, string>>();
            while (csv.Read())
                rows.Add(csv.Headers.ToDictionary(column => column, column => csv.GetString(column)));
            return rows;
        }
    }

    public static ExportRequest Request(Org org, string format, string? layout = null) =>
        new(org.Id, format, layout, null, null, [], null, null);

    public static Task<Exported> Of(Org org, string format, string? layout = null) => Of(org.App, Request(org, format, layout));

    public static async Task<Exported> Of(
        App app,
        ExportRequest request,
        Func<Exported, Task>? atEachBlock = null,
        CancellationToken ct = default)
    {
        var exported = new Exported();
        exported.Skipped = await app.Services.GetRequiredService<IExportWriter>().Write(
            request,
            async (block, _) =>
            {
                exported.Blocks.Add(block.Length);
                exported.Bytes.Write(block.Span);
                if (atEachBlock is not null)
                    await atEachBlock(exported);
            },
            (records, total) => exported.Progress.Add((records, total)),
            exported.Chats.Add,
            ct);
        return exported;
    }
}
