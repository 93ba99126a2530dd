using System.CommandLine;
using ChatLogger.Auth;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using ChatLogger.Rollups;
using MediatR;
using Microsoft.Extensions.Logging.Console;
using Npgsql;
using static ChatLogger.Cli.CommandOptions;

namespace ChatLogger.Cli;

/// <summary>The operator commands. They use the database and the slices, not the HTTP API.</summary>
internal static class OperatorCommands
{
    private static readonly Actor Way = Actor.Operator("command line");

    public static Task<int> Migrate(ParseResult line, CancellationToken ct) => WithDatabase(line, (_, _) => Task.CompletedTask, ct);

    public static Task<int> CreateSuperadmin(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var member = await services.GetRequiredService<ISender>().Send(
                new CreateMember.Command(
                    null, line.GetValue(Email)!, line.GetValue(Name), MemberRole.Superadmin, await Invocation.Of(line).ReadLine(ct), Way),
                ct);
            line.InvocationConfiguration.Output.WriteLine(member.Id);
        },
        ct);

    public static Task<int> CreateOrg(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var organization = await services.GetRequiredService<ISender>().Send(
                new CreateOrganization.Command(line.GetValue(Slug)!, line.GetValue(RequiredName)!, line.GetValue(Zone), Way), ct);
            line.InvocationConfiguration.Output.WriteLine(organization.Id);
        },
        ct);

    public static Task<int> CreateUser(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var orgId = await OrgId(services, line, ct);
            var member = await services.GetRequiredService<ISender>().Send(
                new CreateMember.Command(
                    orgId, line.GetValue(Email)!, line.GetValue(Name), line.GetValue(Role)!, await Invocation.Of(line).ReadLine(ct), Way),
                ct);
            line.InvocationConfiguration.Output.WriteLine(member.Id);
        },
        ct);

    public static Task<int> ChangePassword(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
            await services.GetRequiredService<ISender>().Send(
                new SetPassword.Command(line.GetValue(Email)!, await Invocation.Of(line).ReadLine(ct), Way), ct),
        ct);

    public static Task<int> ListAll(
        ParseResult line, Func<IServiceProvider, TextWriter, CancellationToken, Task> list, CancellationToken ct) =>
        WithDatabase(line, (services, ct) => list(services, line.InvocationConfiguration.Output, ct), ct);

    public static Func<ParseResult, CancellationToken, Task<int>> ListOf(
        Func<IServiceProvider, Guid, TextWriter, CancellationToken, Task> list) =>
        (line, ct) => WithDatabase(
            line,
            async (services, ct) => await list(services, await OrgId(services, line, ct), line.InvocationConfiguration.Output, ct),
            ct);

    public static Task<int> CreateKey(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var scopes = line.GetValue(Scopes) is { Length: > 0 } given ? given : [KeyScope.Ingest];
            var key = await services.GetRequiredService<ISender>().Send(
                new CreateApiKey.Command(
                    await OrgId(services, line, ct), line.GetValue(Label)!, scopes, line.GetValue(Expires), [], ApiKey.Generate(), Way),
                ct);
            line.InvocationConfiguration.Output.WriteLine(key.Key);
        },
        ct);

    public static Task<int> RevokeKey(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var orgId = await OrgId(services, line, ct);
            var keyId = await services.GetRequiredService<NpgsqlDataSource>().ReadSingleOrDefaultAsync<Guid>(
                "select id from api_keys where org_id = @OrgId and public_id = @PublicId",
                new { OrgId = orgId, PublicId = line.GetValue(PublicId) },
                ct);
            await services.GetRequiredService<ISender>().Send(new RevokeApiKey.Command(orgId, keyId, Way), ct);
        },
        ct);

    public static Task<int> RebuildRollups(ParseResult line, CancellationToken ct) => WithDatabase(
        line,
        async (services, ct) =>
        {
            var slug = line.GetValue(OneOrg);
            var organizations = await services.GetRequiredService<NpgsqlDataSource>().ReadAsync<Organization>(
                """
                select id, slug
                from organizations
                where deleted_at is null and (@Slug is null or slug = @Slug)
                order by slug
                """,
                new { Slug = slug },
                ct);
            if (slug is not null && organizations.Count == 0)
                throw ProblemException.NotFound("No such organization.");
            foreach (var organization in organizations)
            {
                var (rollups, differences) = await services.GetRequiredService<RollupVerifier>().Run(organization.Id, ct);
                line.InvocationConfiguration.Output.WriteLine($"{organization.Slug}: {rollups} rollups, {differences} differences");
            }
        },
        ct);

    private static Task<int> WithDatabase(ParseResult line, Func<IServiceProvider, CancellationToken, Task> work, CancellationToken ct) =>
        WithDatabase(
            line,
            async (services, ct) =>
            {
                await work(services, ct);
                return 0;
            },
            ct);

    /// <summary>Runs work that has an exit code.</summary>
    public static async Task<int> WithDatabase(
        ParseResult line, Func<IServiceProvider, CancellationToken, Task<int>> work, CancellationToken ct)
    {
        using var signals = new SignalHandler(ct);
        await using var app = Application.Build(CommandLine.Rest(line), builder =>
        {
            Invocation.Of(line).Customize?.Invoke(builder);
            builder.Logging.AddFilter("ChatLogger.Security", LogLevel.Warning);
            // Standard output is for the result: KEY=$(chatlogger apikey create …).
            builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        });
        await app.Services.GetRequiredService<Database>().Open(signals.Token);
        return await work(app.Services, signals.Token);
    }

    private static async Task<Guid> OrgId(IServiceProvider services, ParseResult line, CancellationToken ct) =>
        await services.GetRequiredService<NpgsqlDataSource>().ReadSingleOrDefaultAsync<Guid?>(
            "select id from organizations where slug = @Slug and deleted_at is null", new { Slug = line.GetValue(Org) }, ct)
        ?? throw ProblemException.NotFound("No such organization.");

    private sealed record Organization(Guid Id, string Slug);
}
