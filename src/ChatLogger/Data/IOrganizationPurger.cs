namespace ChatLogger.Data;

/// <summary>
/// What one area keeps for organizations, and how it lets go of it when an organization is deleted. Each area with tables of its own has one, so
/// that deleting an organization names none of them.
/// </summary>
internal interface IOrganizationPurger
{
    /// <summary>Rows that are removed by one statement at most: it stays short, whoever waits for what it locks waits little.</summary>
    const int BatchRows = 500;

    /// <summary>Ends what would go on by itself, with the transaction that deletes the organization.</summary>
    Task Deactivate(Sql.Transaction transaction, Guid orgId) => Task.CompletedTask;

    /// <summary>Removes a piece for good, past what other instances are at. False: nothing is left.</summary>
    Task<bool> Purge(Guid orgId, CancellationToken ct);
}
