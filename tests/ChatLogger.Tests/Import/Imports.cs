using System.Text;
using System.Text.Json;
using ChatLogger.Import;
using ChatLogger.Transcripts;

namespace ChatLogger.Tests.Import;

/// <summary>Imports files into organizations of a service, and shows what is in them then.</summary>
internal sealed class Imports : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("chatlogger-import-").FullName;

    /// <summary>The end of an import: its numbers, and what it prints.</summary>
    public sealed record Outcome(ImportCounts Counts, string Report);

    public ImportOptions Options { get; init; } = new();

    public string? Format { get; init; }

    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public string Journal => Path.Combine(_folder, "journal");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public Task<Outcome> Run(Org org, HttpClient http, string key, string text, string name = "file.json") =>
        Run(org, http, key, Encoding.UTF8.GetBytes(text), name);

    public async Task<Outcome> Run(Org org, HttpClient http, string key, byte[] bytes, string name = "file.json")
    {
        await using var file = new ImportFile(new MemoryStream(bytes), name, Options, Format);
        await using var journal = await ImportJournal.OpenAsync(
            Journal, new(org.Slug, "", bytes.Length, Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes))),
            Clock.GetUtcNow(), default);
        string? stopped = null;
        try
        {
            if (!journal.IsFinished)
                await new Importer(new(http, org.Slug, key, Clock), journal, Users, Clock).Run(file, null, default);
        }
        catch (ImportStoppedException why)
        {
            stopped = why.Message;
        }
        using var report = new StringWriter();
        await ImportReport.Print(report, file, journal, stopped);
        return new(journal.Counts, report.ToString());
    }

    /// <summary>All chats of the organization as the service exports them, one a line.</summary>
    public static async Task<string> Export(Caller admin, string format = "jsonl") =>
        (await admin.Post("/exports/orgs/me", new { format, mode = "sync" })).Is(200).Body;

    /// <summary>The chats of an export in short: one line for each chat and message, without ids.</summary>
    public static string Shown(string jsonl)
    {
        var shown = new StringBuilder();
        foreach (var line in jsonl.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var chat = JsonElement.Parse(line);
            Line(shown.Append('#'), chat, "title", "tags", "externalUserId", "metadata", "feedback");
            foreach (var message in chat.Elements("messages"))
                Line(
                    shown.Append(message.Text("role")), message, "name", "content", "parts", "toolCalls", "toolCallId", "metadata", "model",
                    "latencyMs", "tokenCount", "promptTokens", "completionTokens", "createdAt", "feedback");
        }
        return shown.ToString().TrimEnd();
    }

    /// <summary>The same export without what an import cannot keep: ids, and the time of the last change.</summary>
    public static string WithoutIds(string jsonl) => System.Text.RegularExpressions.Regex.Replace(
        jsonl, "\"(id|chatId|externalId|userId|updatedAt)\":(\"[^\"]*\"|null),?", "");

    // What has no time in the file has that of the import.
    private static bool IsNow(string name, JsonElement json) =>
        name == "createdAt" && json.Time(name) > DateTimeOffset.UtcNow.AddHours(-1);

    private static void Line(StringBuilder shown, JsonElement json, params string[] members)
    {
        foreach (var name in members)
        {
            var value = json.Get(name);
            if (!value.IsGiven() || value.GetRawText() is "{}" or "[]" || IsNow(name, json))
                continue;
            var text = name == "feedback" ? $"{value.Text("rating")} {value.Text("comment")}".TrimEnd()
                : value.ValueKind == JsonValueKind.String ? value.GetString()!.Replace("\n", "⏎", StringComparison.Ordinal)
                : value.GetRawText();
            shown.Append(' ').Append(name is "content" or "title" ? "" : $"{name}=").Append(text);
        }
        shown.Append('\n');
    }
}
