using System.CommandLine;
using ChatLogger.Bench.Verbs;

namespace ChatLogger.Bench;

// A class rather than top-level statements: the tests reference this assembly and the service, and there may be only one global Program.
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var bench = new RootCommand(
            "Speaks to a running Chat Logger over HTTP: fills it, checks what it kept, and measures it beside others.")
        {
            LoadVerb.Create(),
            VerifyVerb.Create(),
            ExportsVerb.Create(),
            MessagesVerb.Create(),
            BatchesVerb.Create(),
            ChatsVerb.Create(),
            TracesVerb.Create(),
            SummaryVerb.Create(),
            SearchVerb.Create(),
            DrillVerb.Create(),
        };

        var line = bench.Parse(args);

        // Longer than a request may take: after Ctrl+C the command still waits for requests in flight, and prints the summary.
        var exit = await line.InvokeAsync(
            new InvocationConfiguration { ProcessTerminationTimeout = Verb.RequestTimeout + TimeSpan.FromSeconds(10) });
        return line.Errors.Count > 0 ? Exit.CannotRun : exit;
    }
}
