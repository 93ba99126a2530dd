using System.CommandLine;

namespace ChatLogger.Bench.Verbs;

/// <summary>load FILE: logs the conversations of a file through the plugin door.</summary>
internal static class LoadVerb
{
    public static Command Create()
    {
        var file = Verb.File();
        var url = Verb.Url();
        var slug = new Option<string?>("--slug") { Description = "Slug of the key's organization (CHATLOGGER_SLUG)" };
        var key = new Option<string?>("--key") { Description = "API key, clk_… (CHATLOGGER_KEY, which keeps it out of the shell's history)" };
        var connections = Verb.Connections();
        var limit = Verb.Limit();

        var verb = new Command("load", "Log the conversations of a file, each as one chat") { file, url, slug, key, connections, limit };
        verb.SetAction((line, stop) => Verb.Run(async () =>
        {
            var parallel = line.Positive(connections);
            using var http = line.Connect(url, parallel);
            var loader = new Loader(http, line.Required(slug, "CHATLOGGER_SLUG"), Printable(line.Required(key, "CHATLOGGER_KEY")), parallel);
            await using var conversations = line.Open(file, limit);

            LoadReport report;
            await using (var progress = Progress.OnConsole())
                report = await loader.Load(conversations, progress, stop);

            report.Print(Console.Out);
            return stop.IsCancellationRequested ? Exit.Interrupted : report.AllAcknowledged ? Exit.Good : Exit.NotGood;
        }));
        return verb;
    }

    private static string Printable(string key) =>
        key.All(letter => letter is > ' ' and <= '~') ? key : throw new UsageException("The key holds characters that no key has.");
}
