using System.CommandLine;
using ChatLogger.Auth;
using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Rollups;
using MediatR;
using Microsoft.Extensions.Logging.Console;
using Npgsql;

namespace ChatLogger.Cli;

/// <summary>
/// The command line: <c>serve</c> (the default) and the operator commands, which do not use the HTTP API. Arguments that are not a
/// command's options go to the configuration (<c>--urls …</c>, <c>--ConnectionStrings:ChatLogger=…</c>).
/// </summary>
internal static class CommandLine
{
    public static async Task<int> Run(string[] args)
    {
        var root = Root();
        if (args is [{ Length: > 0 } first, ..] && first[0] != '-' && root.Subcommands.All(verb => verb.Name != first))
            return Refuse($"There is no verb \"{first}\". Known are: {string.Join(", ", root.Subcommands.Select(verb => verb.Name))}.");
        try
        {
            // Without a timeout here, the host ends requests in flight properly after SIGTERM; it has a limit of its own.
            var line = root.Parse(args);
            // Prints the sentence only: the library would print help to standard output, where a script expects the result.
            if (line.Errors is [var error, ..])
            {
                return line.CommandResult.Command.Subcommands is { Count: > 0 } verbs && line.CommandResult.Command != root
                    ? Refuse($"After \"{line.CommandResult.Command.Name}\" comes one of: {string.Join(", ", verbs.Select(verb => verb.Name))}.")
                    : Refuse($"{error.Message} --help tells more.");
            }
            return await line.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
        }
        catch (StartupException refused)
        {
            return Refuse(refused.Message);
        }
        catch (ProblemException problem)
        {
            var errors = problem.Errors?.SelectMany(path => path.Value.Select(sentence => $"{path.Key}: {sentence}"));
            return Refuse(errors is null ? problem.Message : string.Join(Environment.NewLine, errors));
        }
        catch (NpgsqlException failure)
        {
            return Refuse($"The database does not do what is needed: {failure.Message}");
        }
        catch (OperationCanceledException)
        {
            return 130;
        }
    }

    private static RootCommand Root()
    {
        var root = new RootCommand("Chat Logger keeps the conversations of chatbots, for many organizations. Without a verb it serves HTTP; the other verbs are for its operator.")
        {
            Verb("serve", "Serve HTTP (the default).", (line, ct) => ServeCommand.Run(Rest(line), ct)),
            Verb("migrate", "Bring the database up to this version and stop.", Migrate),
            Verb("healthcheck", "Ask a running service whether it is ready; exit code 0 or 1.", HealthCheck, Url),
            new Command("admin", "Superadmins.")
            {
                Verb("create-superadmin", "Make a superadmin.", CreateSuperadmin, Email, Name, PasswordStdin),
                Verb("list", "List superadmins.", (line, ct) => WithDatabase(line, ListCommands.Superadmins, ct)),
            },
            new Command("org", "Organizations.")
            {
                Verb("create", "Make an organization.", CreateOrg, Slug, RequiredName, TimeZone),
                Verb("list", "List organizations: slug, name, time zone, when it was made.", (line, ct) => WithDatabase(line, ListCommands.Organizations, ct)),
            },
            new Command("user", "Members.")
            {
                Verb("create", "Make a member of an organization.", CreateUser, Org, Email, Name, Role, PasswordStdin),
                Verb("list", "List members: e-mail address, role, status, name, when they were made.", ListOf(ListCommands.Members), Org),
                Verb("set-password", "Give a member or superadmin another password; ends their sessions.", ChangePassword, Email, PasswordStdin),
            },
            new Command("apikey", "API keys.")
            {
                Verb("create", "Make an API key and print it, this once.", CreateKey, Org, Label, Scopes, Expires),
                Verb("list", "List keys: public id, label, scopes, state, when it was made and last used.", ListOf(ListCommands.ApiKeys), Org),
                Verb("revoke", "Revoke an API key by its public id.", RevokeKey, Org, PublicId),
            },
            new Command("rollups", "What analytics are counted from.")
            {
                Verb("rebuild", "Count the rollups anew, report how many were wrong, and put those right.", RebuildRollups, OneOrg),
            },
        };
        root.TreatUnmatchedTokensAsErrors = false;
        root.SetAction((line, ct) => ServeCommand.Run(Rest(line), ct));
        return root;
    }

    private static readonly Option<string> Email = new("--email") { Required = true, Description = "The member's e-mail address." };
    private static readonly Option<string?> Name = new("--name") { Description = "A name for people to read." };
    private static readonly Option<string> RequiredName = new("--name") { Required = true, Description = "A name for people to read." };
    private static readonly Option<string> Slug = new("--slug") { Required = true, Description = "The name in paths: 3 to 63 lower-case letters, digits, hyphens." };
    private static readonly Option<string?> TimeZone = new("--time-zone") { Description = "IANA name; default UTC." };
    private static readonly Option<string> Org = new("--org") { Required = true, Description = "The organization's slug." };
    private static readonly Option<string?> OneOrg = new("--org") { Description = "The organization's slug; default: all of them." };
    private static readonly Option<string> Role = new("--role") { Required = true, Description = "admin, user or viewer." };
    private static readonly Option<string> Label = new("--label") { Required = true, Description = "What the key is for." };
    private static readonly Option<string[]> Scopes = new("--scope") { Description = "ingest (default), import; may be repeated." };
    private static readonly Option<DateTimeOffset?> Expires = new("--expires") { Description = "When the key stops working, RFC 3339." };
    private static readonly Option<string> PublicId = new("--public-id") { Required = true, Description = "The part of the key between the underscores." };
    private static readonly Option<string?> Url = new("--url") { Description = "Where the service is; default: where it would listen." };

    // A password on the command line would be visible in the process list.
    private static readonly Option<bool> PasswordStdin = new("--password-stdin") { Required = true, Description = "Read the password from standard input." };

    private static readonly Actor Way = Actor.Operator("command line");

    private static Task<int> Migrate(ParseResult line, CancellationToken ct) => WithDatabase(line, (_, _) => Task.CompletedTask, ct);

    private static Task<int> CreateSuperadmin(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var member = await services.GetRequiredService<ISender>().Send(
                new CreateMember.Command(null, line.GetValue(Email)!, line.GetValue(Name), MemberRole.Superadmin, await ReadPassword(ct), Way), ct);
            Console.WriteLine(member.Id);
        },
        ct);

    private static Task<int> CreateOrg(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var organization = await services.GetRequiredService<ISender>().Send(
                new CreateOrganization.Command(line.GetValue(Slug)!, line.GetValue(RequiredName)!, line.GetValue(TimeZone), Way), ct);
            Console.WriteLine(organization.Id);
        },
        ct);

    private static Task<int> CreateUser(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var orgId = await OrgId(services, line, ct);
            var member = await services.GetRequiredService<ISender>().Send(
                new CreateMember.Command(orgId, line.GetValue(Email)!, line.GetValue(Name), line.GetValue(Role)!, await ReadPassword(ct), Way), ct);
            Console.WriteLine(member.Id);
        },
        ct);

    private static Task<int> ChangePassword(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
            await services.GetRequiredService<ISender>().Send(new SetPassword.Command(line.GetValue(Email)!, await ReadPassword(ct), Way), ct),
        ct);

    private static Func<ParseResult, CancellationToken, Task<int>> ListOf(Func<IServiceProvider, Guid, CancellationToken, Task> list) =>
        (line, ct) => WithDatabase(line, async (services, ct) => await list(services, await OrgId(services, line, ct), ct), ct);

    private static Task<int> CreateKey(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var scopes = line.GetValue(Scopes) is { Length: > 0 } given ? given : [KeyScope.Ingest];
            var key = await services.GetRequiredService<ISender>().Send(
                new CreateApiKey.Command(
                    await OrgId(services, line, ct), line.GetValue(Label)!, scopes, line.GetValue(Expires), [], ApiKey.Generate(), Way),
                ct);
            Console.WriteLine(key.Key);
        },
        ct);

    private static Task<int> RevokeKey(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var orgId = await OrgId(services, line, ct);
            var keyId = await services.GetRequiredService<NpgsqlDataSource>().ReadSingleOrDefaultAsync<Guid>(
                "select id from api_keys where org_id = @OrgId and public_id = @PublicId", new { OrgId = orgId, PublicId = line.GetValue(PublicId) }, ct);
            await services.GetRequiredService<ISender>().Send(new RevokeApiKey.Command(orgId, keyId, Way), ct);
        },
        ct);

    private static Task<int> RebuildRollups(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var slug = line.GetValue(OneOrg);
            var organizations = await services.GetRequiredService<NpgsqlDataSource>().ReadAsync<Organization>(
                "select id, slug from organizations where deleted_at is null and (@Slug is null or slug = @Slug) order by slug", new { Slug = slug }, ct);
            if (slug is not null && organizations.Count == 0)
                throw ProblemException.NotFound("No such organization.");
            foreach (var organization in organizations)
            {
                var (rollups, differences) = await services.GetRequiredService<RollupVerifier>().Run(organization.Id, ct);
                Console.WriteLine($"{organization.Slug}: {rollups} rollups, {differences} differences");
            }
        },
        ct);

    private static async Task<int> HealthCheck(ParseResult line, CancellationToken ct)
    {
        var url = line.GetValue(Url) ?? ServerUrls.Local(Rest(line));
        var socket = UnixSocket.PathOf(url);
        if (!Uri.TryCreate(socket is null ? url : "http://localhost", UriKind.Absolute, out var service) || service.Scheme is not ("http" or "https"))
            return Refuse($"{url} is not a URL such as http://127.0.0.1:5080.");
        // Outgoing traffic of a container may need a proxy, but the health check of a local service does not.
        using var http = new HttpClient(socket is null ? new SocketsHttpHandler { UseProxy = false } : UnixSocket.Handler(socket)) { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            // Includes the base path, if the address has one.
            using var response = await http.GetAsync(new Uri($"{service.GetLeftPart(UriPartial.Path).TrimEnd('/')}/healthz/ready"), ct);
            return response.IsSuccessStatusCode ? 0 : Refuse($"{url} answers {(int)response.StatusCode}.");
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return Refuse($"{url} does not answer.");
        }
    }

    private static async Task<int> WithDatabase(ParseResult line, Func<IServiceProvider, CancellationToken, Task> work, CancellationToken ct)
    {
        using var signals = new SignalHandler(ct);
        await using var app = Application.Build(Rest(line), builder =>
        {
            builder.Logging.AddFilter("ChatLogger.Security", LogLevel.Warning);
            // Standard output is for the result: KEY=$(chatlogger apikey create …).
            builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        });
        await app.Services.GetRequiredService<Database>().Open(signals.Token);
        await work(app.Services, signals.Token);
        return 0;
    }

    private static async Task<Guid> OrgId(IServiceProvider services, ParseResult line, CancellationToken ct) =>
        await services.GetRequiredService<NpgsqlDataSource>().ReadSingleOrDefaultAsync<Guid?>(
            "select id from organizations where slug = @Slug and deleted_at is null", new { Slug = line.GetValue(Org) }, ct)
        ?? throw ProblemException.NotFound("No such organization.");

    private static async Task<string> ReadPassword(CancellationToken ct) => await Console.In.ReadLineAsync(ct) ?? "";

    private static Command Verb(string name, string description, Func<ParseResult, CancellationToken, Task<int>> action, params Option[] options)
    {
        var verb = new Command(name, description) { TreatUnmatchedTokensAsErrors = false };
        foreach (var option in options)
            verb.Add(option);
        verb.SetAction(action);
        return verb;
    }

    private sealed record Organization(Guid Id, string Slug);

    private static string[] Rest(ParseResult line) => Arguments.ForConfiguration(line.UnmatchedTokens);

    private static int Refuse(string sentence)
    {
        Console.Error.WriteLine($"chatlogger: {sentence}");
        return 1;
    }
}
