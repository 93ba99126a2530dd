using System.Net.Sockets;
using ChatLogger.Configuration;
using Dapper;
using Npgsql;

namespace ChatLogger.Data;

/// <summary>
/// Makes the first connection to a database: waits for it, finds out how sessions can get their parameters, and rejects what cannot work.
/// </summary>
internal sealed partial class DatabaseProbe(
    string setting,
    string connectionString,
    DatabaseSettings settings,
    bool transactionPooler,
    ILogger log)
{
    private const int MinimumMajor = 15;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private SessionSetup? _setup;

    public string ConnectionString => connectionString;

    /// <summary>Available after <see cref="WaitFor"/>.</summary>
    public SessionSetup Setup => _setup ?? throw new InvalidOperationException("The database has not been waited for yet.");

    /// <summary>Waits for the database, because services often start together and the database may be a few seconds late.</summary>
    /// <exception cref="StartupException">Waiting longer would not help, or the timeout expired.</exception>
    public async Task<SessionSetup> WaitFor(CancellationToken ct)
    {
        var timeout = Task.Delay(settings.StartTimeout, ct);
        for (var attempt = 0; ; attempt++)
        {
            string reason;
            try
            {
                var setup = await Probe(ct);
                _setup = setup;
                return setup;
            }
            catch (PostgresException refused) when (refused.SqlState[..2] is not ("57" or "53" or "08"))
            {
                throw new StartupException(
                    $"{setting}: the database refuses the connection: {refused.MessageText} ({refused.SqlState}).{Help(refused)}");
            }
            catch (NpgsqlException failure) when (TlsFailure.IsTlsFailure(failure))
            {
                throw new StartupException($"{setting}: {await TlsFailure.Explain(failure, Text(connectionString), ct)}");
            }
            catch (Exception failure) when (failure is NpgsqlException or SocketException or TimeoutException or IOException)
            {
                reason = Reason(failure);
            }
            catch (Exception failure) when (failure is not (StartupException or OperationCanceledException))
            {
                // Npgsql reports contradictory parameters by exceptions of many types.
                throw new StartupException($"{setting} cannot be used: {WithoutSecrets(failure.Message)}");
            }
            // First, because on a busy machine the timeout may expire during the first attempt.
            if (attempt == 0)
                Waiting(log, reason);
            if (timeout.IsCompleted)
                throw new StartupException($"{setting}: the database cannot be reached: {reason}");
            await Task.WhenAny(Task.Delay(RetryDelay, ct), timeout);
            ct.ThrowIfCancellationRequested();
        }
    }

    private async Task<SessionSetup> Probe(CancellationToken ct)
    {
        if (transactionPooler)
        {
            await CheckRole(ct);
            return SessionSetup.ByRole;
        }
        // A pooler rejects the start-up parameter with 08P01, which it also uses for an unreachable server; or it drops the parameter
        // silently. A parameter that arrived has the source "client".
        var complete = settings.Complete(connectionString);
        try
        {
            await using var source = Pools.CreatePlain(Single(complete));
            await using var connection = await source.OpenConnectionAsync(ct);
            await CheckServer(connection);
            if (await connection.ExecuteScalarAsync<bool>("select source = 'client' from pg_settings where name = 'idle_session_timeout'"))
                return SessionSetup.AtStartup;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.ProtocolViolation)
        {
            await using var source = Pools.Create("start", Single(complete), SessionSetup.ByStatement);
            await using var connection = await source.OpenConnectionAsync(ct);
            await CheckServer(connection);
        }
        return SessionSetup.ByStatement;
    }

    private static async Task CheckServer(NpgsqlConnection connection)
    {
        if (connection.PostgreSqlVersion.Major < MinimumMajor)
            throw new StartupException($"The database is PostgreSQL {connection.PostgreSqlVersion}; {MinimumMajor} or later is needed.");
        if (await connection.ExecuteScalarAsync<string>("show server_encoding") != "UTF8")
            throw new StartupException(
                "The database's encoding is not UTF8. Create it with: create database chatlogger encoding 'UTF8' template template0");
        if (await connection.ExecuteScalarAsync<bool>("select pg_is_in_recovery()"))
            throw new NpgsqlException("It is a standby, which takes no writes. Connect to the primary, or name all hosts: Host=one,two.");
        var readOnly = await connection.ExecuteScalarAsync<string>(
            """
            select format('alter role %I set default_transaction_read_only = off', current_user)
            where current_setting('default_transaction_read_only') = 'on'
            """);
        if (readOnly is not null)
            throw new StartupException(
                $"Sessions are read-only (default_transaction_read_only is on), and the service writes. Run: {readOnly}");
    }

    // Behind a transaction pooler a session has the defaults of role and database, on which durability depends.
    private async Task CheckRole(CancellationToken ct)
    {
        var given = SessionParameters.Parse(Text(connectionString).Options);
        await using var source = Pools.CreatePlain(Single(settings.Complete(connectionString)));
        await using var connection = await Open(source, given, ct);
        await CheckServer(connection);
        if (await connection.ExecuteScalarAsync<string>(SessionParameters.FindWrongDefaults) is { } wrong)
            throw new StartupException($"Behind a transaction pooler sessions are as the database makes them: {wrong}.");

        await using var transaction = await connection.BeginTransactionAsync(ct);
        foreach (var (name, value) in given)
        {
            var (before, after, role) = await connection.QuerySingleAsync<(string?, string, string)>(
                "select current_setting(@Name, true), set_config(@Name, @Value, true), current_user::text",
                new { Name = name, Value = value },
                transaction);
            if (before != after)
                throw NotPassedOn(name, value, role);
        }
    }

    private async Task<NpgsqlConnection> Open(NpgsqlDataSource source, IReadOnlyDictionary<string, string> given, CancellationToken ct)
    {
        try
        {
            return await source.OpenConnectionAsync(ct);
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.ProtocolViolation
            && given.Count > 0 && refused.MessageText.Contains("options", StringComparison.Ordinal))
        {
            var (name, value) = given.First();
            throw NotPassedOn(name, value, Text(connectionString).Username ?? "…");
        }
    }

    private StartupException NotPassedOn(string name, string value, string role) =>
        new(
            $"{setting} gives options that the pooler does not pass on. Leave them out, and say it of the role: "
                + $"alter role {role} set {name} = '{value}'"
        );

    // Uses a single unpooled connection with a short timeout: the service creates its pools after this check has succeeded.
    private static string Single(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, Timeout = 5 }.ConnectionString;

    private static NpgsqlConnectionStringBuilder Text(string connectionString) => new(connectionString);

    private string Help(PostgresException refused)
    {
        var (role, database) = (
            Text(connectionString).Username ?? "…",
            Text(connectionString).Database ?? Text(connectionString).Username ?? "…");
        return refused.SqlState switch
        {
            PostgresErrorCodes.InvalidCatalogName =>
                $" Create it with: create database \"{database}\" owner \"{role}\" encoding 'UTF8' template template0",
            PostgresErrorCodes.InsufficientPrivilege when refused.Severity == "FATAL" =>
                $" Run: grant connect on database \"{database}\" to \"{role}\"",
            _ => "",
        };
    }

    // The outer message often only says that there was a failure.
    private string Reason(Exception failure)
    {
        // With several hosts, reports each host's message instead of the advice to see the inner exception.
        if (failure.InnerException is AggregateException hosts)
            return string.Join("; ", hosts.InnerExceptions.Select(Reason).Distinct());
        var messages = new List<string>();
        for (var each = failure; each is not null; each = each.InnerException)
        {
            if (!messages.Exists(message => message.Contains(each.Message, StringComparison.Ordinal)))
                messages.Add(each.Message);
        }
        return WithoutSecrets(string.Join(": ", messages));
    }

    private string WithoutSecrets(string message)
    {
        foreach (var secret in new[] { Text(connectionString).Password, Text(connectionString).SslPassword })
        {
            if (secret is { Length: > 0 })
                message = message.Replace(secret, "…", StringComparison.Ordinal);
        }
        return message.ReplaceLineEndings(" ");
    }

    [LoggerMessage(LogLevel.Warning, "Waiting for the database: {Reason}")]
    private static partial void Waiting(ILogger log, string reason);
}
