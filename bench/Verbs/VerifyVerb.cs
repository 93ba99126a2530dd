using System.CommandLine;
using ChatLogger.Bench.Http;

namespace ChatLogger.Bench.Verbs;

/// <summary>verify FILE: reads everything back through the dashboard API and compares it with the file.</summary>
internal static class VerifyVerb
{
    public static Command Create()
    {
        var file = Verb.File();
        var url = Verb.Url();
        var email = Verb.Email();
        var passwordStdin = new Option<bool>("--password-stdin")
        {
            Description = "Read the password from the first line of standard input (else CHATLOGGER_PASSWORD)",
        };
        var connections = Verb.Connections();
        var limit = Verb.Limit();

        var verb = new Command("verify", "Compare the organization's chats with the file they were loaded from")
        {
            file, url, email, passwordStdin, connections, limit,
        };
        verb.SetAction((line, stop) => Verb.Run(async () =>
        {
            var parallel = line.Positive(connections);
            using var http = line.Connect(url, parallel);
            var address = line.Required(email, "CHATLOGGER_EMAIL");
            if (line.GetValue(passwordStdin) && line.GetRequiredValue(file) == "-")
                throw new UsageException("Standard input cannot be both the file and the password.");
            await using var conversations = line.Open(file, limit);
            var password = line.GetValue(passwordStdin) ? Verb.Password(Console.In.ReadLine()) : Verb.Password();

            var client = await DashboardClient.LogIn(http, address, password, new RetryPolicy(TimeProvider.System), stop);
            VerifyReport report;
            await using (var progress = Progress.OnConsole())
                report = await new Verifier(client, parallel).Verify(conversations, progress, stop);

            report.Print(Console.Out);
            return stop.IsCancellationRequested ? Exit.Interrupted : report.Equal ? Exit.Good : Exit.NotGood;
        }));
        return verb;
    }
}
