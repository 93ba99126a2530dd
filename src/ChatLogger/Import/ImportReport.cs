using System.Globalization;
using ChatLogger.Telemetry.Logs;

namespace ChatLogger.Import;

/// <summary>What an import prints at its end: what is in, what was left out, and a line for everything that was refused.</summary>
internal static class ImportReport
{
    public static async Task Print(TextWriter output, ImportFile file, ImportJournal journal, string? stopped)
    {
        var counts = journal.Counts;
        if (file.Format is { } format)
            output.WriteLine($"format     {format}");
        else if (journal.IsFinished)
            output.WriteLine("This file was imported before; without its journal it would be compared with the service.");
        output.WriteLine(Text($"chats      {counts.Chats:N0} imported, {counts.ChatsThere:N0} were there"));
        output.WriteLine(Text($"messages   {counts.Messages:N0} imported, {counts.MessagesThere:N0} were there"));
        output.WriteLine(Text($"ratings    {counts.Feedback:N0}"));
        if (counts.UsersDropped > 0)
            output.WriteLine(Text($"members    {counts.UsersDropped:N0} chats became nobody's: --user-map names their members here"));
        foreach (var (what, count) in file.Notes.Counts)
            output.WriteLine(Text($"noted      {count:N0} {what}"));
        output.WriteLine(Text($"refused    {counts.Refused:N0}"));
        if (counts.Refused > 0)
        {
            await foreach (var (where, said) in journal.Refusals())
                output.WriteLine($"  {where}: {LogText.Sanitize(said)}");
        }
        if (stopped is not null)
            output.WriteLine($"Stopped: {LogText.Sanitize(stopped)}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
