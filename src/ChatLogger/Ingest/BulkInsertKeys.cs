namespace ChatLogger.Ingest;

/// <summary>The parts of a bulk insert that store Idempotency-Keys and are the same for every kind of row.</summary>
internal static class BulkInsertKeys
{
    public const string Insert =
        "insert into idempotency_keys as known (org_id, route, parent_id, key, body_sha256, target_id, created_at)";

    /// <summary>Overwrites an expired entry, whether or not the cleanup has seen it, and leaves any other as it is.</summary>
    public const string OnConflict =
        """
        on conflict (org_id, route, parent_id, key) do update
            set body_sha256 = excluded.body_sha256, target_id = excluded.target_id, created_at = excluded.created_at
            where known.created_at <= @forgotten
        """;
}
