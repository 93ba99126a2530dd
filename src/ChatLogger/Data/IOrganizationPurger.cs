namespace ChatLogger.Data;

/// <summary>
/// Purges the data of one feature when an organization is deleted. Each feature with its own tables has an implementation, so the deletion
/// of an organization does not need to know the tables.
/// </summary>
internal interface IOrganizationPurger
{
    /// <summary>The maximum number of rows that one statement removes, so that it holds its locks only briefly.</summary>
    const int BatchRows = 500;

    /// <summary>Stops the organization's background activity, in the transaction that deletes the organization.</summary>
    Task Deactivate(Sql.Transaction transaction, Guid orgId) => Task.CompletedTask;

    /// <summary>Purges a batch and skips rows that other instances have locked. Returns false when nothing is left.</summary>
    Task<bool> Purge(Guid orgId, CancellationToken ct);
}
