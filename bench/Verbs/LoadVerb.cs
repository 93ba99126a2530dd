using System.CommandLine;

namespace ChatLogger.Bench.Verbs;

/// <summary>load FILE: logs the conversations of a file through the plugin API.</summary>
internal static class LoadVerb
{
    public static Command Create()
    {
        var file = Verb.File();
        var url = Verb.Url();
        var slug = Verb.Slug();
        var key = Verb.Key();
        var connections = Verb.Connections();
        var limit = Verb.Limit();
        var batch = new Option<int>("--batch")
        {
            Description = "How many chats and messages a request takes at most, 1 to 1000; 0: each is a request of its own",
            DefaultValueFactory = _ => 100,
        };

        var verb = new Command("load", "Log the conversations of a file, each as one chat")
        {
            file,
            url,
            slug,
            key,
            connections,
            limit,
            batch,
        };
        verb.SetAction(
            (line, stop) =>
                Verb.Run(async () =>
                {
                    var parallel = line.Positive(connections);
                    var together = line.GetValue(batch) is >= 0 and <= 1000 and var count
                        ? count
                        : throw new UsageException("--batch must be between 0 and 1000.");
                    using var http = line.Connect(url, parallel);
                    var loader = new Loader(
                        http,
                        line.Required(slug, "CHATLOGGER_SLUG"),
                        Printable(line.Required(key, "CHATLOGGER_KEY")),
                        parallel,
                        batch: together);
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
