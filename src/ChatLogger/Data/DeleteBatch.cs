namespace ChatLogger.Data;

/// <summary>
/// Statements that delete some rows of an organization and skip those that others have locked. The rows are found once and deleted by their
/// <c>ctid</c>. Where the planner believes that the table is nearly empty, a join with the rows found would compare each of them with all
/// rows of the organization. A row that is changed while it is found is left for the next batch.
/// </summary>
internal static class DeleteBatch
{
    /// <param name="table">The table; it has a column <c>org_id</c>.</param>
    /// <param name="which">Further conditions, each with its <c>and</c>, and the order.</param>
    /// <param name="rows">The parameter with the maximum number of rows.</param>
    public static string Of(string table, string which = "", string rows = "@" + nameof(IOrganizationPurger.BatchRows)) =>
        $"""
        delete from {table}
        where org_id = @OrgId
          and ctid = any(array(
              select ctid
              from {table}
              where org_id = @OrgId
                {which}
              limit {rows}
              for update skip locked
          ))
        """;
}
