using System.Collections.Concurrent;
using ChatLogger.Data;
using ChatLogger.Redaction;
using Npgsql;

namespace ChatLogger.Auth;

/// <summary>
/// What an organization has chosen about what is said in it: what is replaced before it is stored, and for how long it is kept. It is read
/// with the API key and is as old as that: a change takes effect on every instance within 5 s.
/// </summary>
/// <param name="Redactor">Replaces it; null: nothing is replaced.</param>
/// <param name="RetentionDays">For how many days; null: for ever.</param>
internal sealed record OrganizationPolicy(Redactor? Redactor, int? RetentionDays)
{
    /// <summary>The columns of an organization <c>o</c> that it is made of.</summary>
    public const string Columns = "o.redaction, o.retention_days";

    public static readonly OrganizationPolicy None = new(null, null);

    private const int MaxKnown = 1_000;

    // Compiling patterns takes milliseconds, and a key is looked up every few seconds.
    private static readonly ConcurrentDictionary<string, Redactor> KnownRedactors = new(StringComparer.Ordinal);

    public static OrganizationPolicy Of(string redaction, int? retentionDays)
    {
        if (redaction.Length == 0)
            return retentionDays is null ? None : None with { RetentionDays = retentionDays };
        if (KnownRedactors.Count > MaxKnown)
            KnownRedactors.Clear();
        return new(KnownRedactors.GetOrAdd(redaction, text => new Redactor(RedactionSettings.FromStored(text))), retentionDays);
    }

    internal sealed record Row(string Redaction, int? RetentionDays)
    {
        public OrganizationPolicy ToPolicy() => Of(Redaction, RetentionDays);
    }
}

/// <summary>Reads what an organization has chosen, for requests without an API key.</summary>
internal sealed class OrganizationPolicies(NpgsqlDataSource db)
{
    public async Task<OrganizationPolicy> Of(Guid orgId, CancellationToken ct) =>
        (await db.ReadSingleOrDefaultAsync<OrganizationPolicy.Row>(
            $"select {OrganizationPolicy.Columns} from organizations o where o.id = @OrgId", new { OrgId = orgId }, ct))?.ToPolicy()
        ?? OrganizationPolicy.None;
}
