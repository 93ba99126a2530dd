using System.CommandLine;
using ChatLogger.Configuration;
using ChatLogger.Http;
using Npgsql;
using static ChatLogger.Cli.CommandOptions;
using static ChatLogger.Cli.OperatorCommands;

namespace ChatLogger.Cli;

/// <summary>
/// The command line: <c>serve</c> (the default), the operator commands, which do not use the HTTP API, and <c>import</c>, which does.
/// Arguments that are not a command's options go to the configuration (<c>--urls …</c>, <c>--ConnectionStrings:ChatLogger=…</c>).
/// </summary>
internal static class CommandLine
{
    public static async Task<int> Run(string[] args, Invocation? given = null)
    {
        var invocation = given ?? new Invocation();
        var root = Root();
        if (args is [{ Length: > 0 } first, ..] && first[0] != '-' && root.Subcommands.All(verb => verb.Name != first))
            return invocation.Refuse($"There is no verb \"{first}\". Known are: {Names(root.Subcommands)}.");
        try
        {
            var line = root.Parse(args);
            // Prints the sentence only: the library would print help to standard output, where a script expects the result.
            if (line.Errors is [var error, ..])
            {
                if (line.CommandResult.Command.Name == ImportCommand.Name)
                    return invocation.Refuse($"{error.Message} --help tells more.", ImportCommand.Usage);
                return line.CommandResult.Command.Subcommands is { Count: > 0 } verbs && line.CommandResult.Command != root
                    ? invocation.Refuse($"After \"{line.CommandResult.Command.Name}\" comes one of: {Names(verbs)}.")
                    : invocation.Refuse($"{error.Message} --help tells more.");
            }
            return await line.InvokeAsync(invocation);
        }
        catch (StartupException refused)
        {
            return invocation.Refuse(refused.Message);
        }
        catch (ProblemException problem)
        {
            var errors = problem.Errors?.SelectMany(path => path.Value.Select(sentence => $"{path.Key}: {sentence}"));
            return invocation.Refuse(errors is null ? problem.Message : string.Join(Environment.NewLine, errors));
        }
        catch (NpgsqlException failure)
        {
            return invocation.Refuse($"The database does not do what is needed: {failure.Message}");
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }

    private static RootCommand Root()
    {
        var root = new RootCommand(
            "Chat Logger keeps the conversations of chatbots, for many organizations. "
            + "Without a verb it serves HTTP; the other verbs are for its operator.")
        {
            Verb("serve", "Serve HTTP (the default).", (line, ct) => ServeCommand.Run(line, ct)),
            Verb("migrate", "Bring the database up to this version and stop.", Migrate),
            Verb("healthcheck", "Ask a running service whether it is ready; exit code 0 or 1.", HealthCheckCommand.Run, Url),
            new Command("admin", "Superadmins.")
            {
                Verb("create-superadmin", "Make a superadmin.", CreateSuperadmin, Email, Name, PasswordStdin),
                Verb("list", "List superadmins.", (line, ct) => ListAll(line, ListCommands.Superadmins, ct)),
            },
            new Command("org", "Organizations.")
            {
                Verb("create", "Make an organization.", CreateOrg, Slug, RequiredName, Zone),
                Verb(
                    "list",
                    "List organizations: slug, name, time zone, when it was made.",
                    (line, ct) => ListAll(line, ListCommands.Organizations, ct)),
            },
            new Command("user", "Members.")
            {
                Verb("create", "Make a member of an organization.", CreateUser, Org, Email, Name, Role, PasswordStdin),
                Verb("list", "List members: e-mail address, role, status, name, when they were made.", ListOf(ListCommands.Members), Org),
                Verb(
                    "set-password",
                    "Give a member or superadmin another password; ends their sessions.",
                    ChangePassword, Email, PasswordStdin),
            },
            new Command("apikey", "API keys.")
            {
                Verb("create", "Make an API key and print it, this once.", CreateKey, Org, Label, Scopes, Expires),
                Verb(
                    "list",
                    "List keys: public id, label, scopes, state, when it was made and last used.",
                    ListOf(ListCommands.ApiKeys), Org),
                Verb("revoke", "Revoke an API key by its public id.", RevokeKey, Org, PublicId),
            },
            ImportCommand.Create(),
            new Command("erasure", "Erasures of what end users and members have said.") { VerifyErasure.Create() },
            new Command("rollups", "What analytics are counted from.")
            {
                Verb("rebuild", "Count the rollups anew, report how many were wrong, and put those right.", RebuildRollups, OneOrg),
            },
        };
        root.TreatUnmatchedTokensAsErrors = false;
        root.SetAction((line, ct) => ServeCommand.Run(line, ct));
        return root;
    }

    private static Command Verb(
        string name, string description, Func<ParseResult, CancellationToken, Task<int>> action, params Option[] options)
    {
        var verb = new Command(name, description) { TreatUnmatchedTokensAsErrors = false };
        foreach (var option in options)
            verb.Add(option);
        verb.SetAction(action);
        return verb;
    }

    private static string Names(IEnumerable<Command> commands) => string.Join(", ", commands.Select(command => command.Name));

    internal static string[] Rest(ParseResult line) => Arguments.ForConfiguration(line.UnmatchedTokens);
}
