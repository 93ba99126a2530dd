using System.Diagnostics;
using ChatLogger.Auth;
using ChatLogger.Configuration;
using ChatLogger.Data;
using ChatLogger.Features;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Cli;

/// <summary>
/// Creates the first superadmin, organization and API key from settings, for deployments without manual commands. Section <c>Bootstrap</c>.
/// Each is created if it is absent and never changed, so the settings may stay, on any number of instances.
/// </summary>
internal sealed record BootstrapSettings
{
    public const string Section = "Bootstrap";

    private static readonly Actor Way = Actor.Operator("settings");

    /// <summary><c>Bootstrap__SuperAdmin__Email</c> with <c>__Password</c> or <c>__PasswordFile</c>.</summary>
    public SuperAdminSettings? SuperAdmin { get; init; }

    /// <summary><c>Bootstrap__Organization__Slug</c> with <c>__Name</c>.</summary>
    public OrganizationSettings? Organization { get; init; }

    /// <summary><c>Bootstrap__ApiKey__Key</c>: a complete key in the format of API keys; it belongs to the organization above.</summary>
    public ApiKeySettings? ApiKey { get; init; }

    /// <exception cref="StartupException">One setting of a pair is missing; the message names it.</exception>
    public static BootstrapSettings Read(IConfiguration configuration)
    {
        var settings = Settings.Bind<BootstrapSettings>(configuration, Section);
        // A variable that is set but empty (compose's ${X:-}) counts as absent.
        settings = settings with
        {
            SuperAdmin = settings.SuperAdmin == new SuperAdminSettings() ? null : settings.SuperAdmin,
            Organization = settings.Organization == new OrganizationSettings() ? null : settings.Organization,
            ApiKey = settings.ApiKey == new ApiKeySettings() ? null : settings.ApiKey,
        };
        if (settings.SuperAdmin is { } admin)
        {
            Need(admin.Email, "Bootstrap__SuperAdmin__Email");
            Need(admin.ReadPassword(), "Bootstrap__SuperAdmin__Password (or Bootstrap__SuperAdmin__PasswordFile)");
        }
        if (settings.Organization is { } organization)
        {
            Need(organization.Slug, "Bootstrap__Organization__Slug");
            Need(organization.Name, "Bootstrap__Organization__Name");
        }
        if (settings.ApiKey is { } key)
        {
            Need(key.Key, "Bootstrap__ApiKey__Key");
            Need(settings.Organization?.Slug, "Bootstrap__Organization__Slug");
            if (Auth.ApiKey.Parse(key.Key) is null)
                throw new StartupException(
                    $"Bootstrap__ApiKey__Key is not a key: its format is {Auth.ApiKey.Pattern}, and the last six characters are a checksum."
                );
        }
        return settings;
    }

    /// <summary>Validates the settings before the database is opened, by the same rules as the rows.</summary>
    /// <exception cref="StartupException">Names the setting, and what it must be.</exception>
    public void Check(IServiceProvider services)
    {
        if (SuperAdmin is { } admin)
            Check(services, admin.Command(), nameof(SuperAdmin));
        if (Organization is { } organization)
            Check(services, organization.Command(), nameof(Organization));
    }

    public async Task Apply(IServiceProvider services, CancellationToken ct)
    {
        var timeout = services.GetRequiredService<DatabaseSettings>().StartTimeout;
        for (var since = Stopwatch.GetTimestamp(); ; await Task.Delay(200, ct))
        {
            try
            {
                await MakeWhatIsAbsent(services, ct);
                return;
            }
            // Many instances may start together and wait for the one that creates the row; on a busy machine this can exceed the lock
            // timeout of a request.
            catch (NpgsqlException busy)
                when (Stopwatch.GetElapsedTime(since) < timeout && ProblemWriter.Of(busy).Type == ProblemType.Unavailable)
            {
            }
        }
    }

    private static void Check<T>(IServiceProvider services, T command, string group)
    {
        if (services.GetRequiredService<IValidator<T>>().Validate(command).Errors is [var error, ..])
            throw new StartupException(
                $"{Section}__{group}__{char.ToUpperInvariant(error.PropertyName[0])}{error.PropertyName[1..]} is not valid: "
                    + $"{error.ErrorMessage}"
            );
    }

    private async Task MakeWhatIsAbsent(IServiceProvider services, CancellationToken ct)
    {
        var db = services.GetRequiredService<NpgsqlDataSource>();
        var sender = services.GetRequiredService<ISender>();
        if (SuperAdmin is { } admin)
        {
            // Checks first, because hashing would cost each start a third of a second.
            var exists = await db.ReadSingleOrDefaultAsync<bool>(
                "select exists (select from users where email = @Email)", new { Email = EmailAddress.Normalize(admin.Email) }, ct);
            if (!exists)
                await AbsentOrRaced(() => sender.Send(admin.Command(), ct));
        }
        if (Organization is { } organization)
        {
            await AbsentOrRaced(() => sender.Send(organization.Command(), ct));
            if (Auth.ApiKey.Parse(ApiKey?.Key) is { } key)
                await MakeKey(db, sender, organization.Slug!, key, ct);
        }
    }

    private static async Task MakeKey(NpgsqlDataSource db, ISender sender, string slug, ApiKey key, CancellationToken ct)
    {
        var orgId = await db.ReadSingleOrDefaultAsync<Guid?>(
            """
            select id
            from organizations
            where slug = @Slug
              and deleted_at is null
              and not exists (select from api_keys where public_id = @PublicId)
            """,
            new { Slug = slug, key.PublicId },
            ct);
        if (orgId is not { } id)
            return;
        try
        {
            await sender.Send(new CreateApiKey.Command(id, "bootstrap", [KeyScope.Ingest], null, [], key, Way), ct);
        }
        // Another instance was faster.
        catch (PostgresException exists) when (exists.ConstraintName == "api_keys_public_id_key")
        {
        }
    }

    private static async Task AbsentOrRaced(Func<Task> create)
    {
        try
        {
            await create();
        }
        catch (ProblemException taken) when (taken.Type == ProblemType.EmailTaken || taken.Type == ProblemType.SlugTaken)
        {
        }
    }

    private static void Need(string? value, string setting)
    {
        if (string.IsNullOrEmpty(value))
            throw new StartupException($"{setting} is missing, while others of Bootstrap__… are set.");
    }

    internal sealed record SuperAdminSettings
    {
        public string? Email { get; init => field = value.NullIfEmpty(); }

        public string? Password { get; init => field = value.NullIfEmpty(); }

        public string? PasswordFile { get; init => field = value.NullIfEmpty(); }

        public string? ReadPassword() => SecretText.Read("Bootstrap__SuperAdmin__Password", Password, PasswordFile);

        public CreateMember.Command Command() => new(null, Email!, null, MemberRole.Superadmin, ReadPassword()!, Way);
    }

    internal sealed record OrganizationSettings
    {
        public string? Slug { get; init => field = value.NullIfEmpty(); }

        public string? Name { get; init => field = value.NullIfEmpty(); }

        public CreateOrganization.Command Command() => new(Slug!, Name!, null, Way);
    }

    internal sealed record ApiKeySettings
    {
        public string? Key { get; init => field = value.NullIfEmpty(); }
    }
}
