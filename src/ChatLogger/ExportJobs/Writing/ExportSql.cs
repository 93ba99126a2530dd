using ChatLogger.Data;
using ChatLogger.SearchIndex;

namespace ChatLogger.ExportJobs;

/// <summary>
/// The statements of an export. COPY takes no parameters, so a statement before it passes the filter values as parameters of set_config
/// into settings of the transaction, and the query reads them with current_setting. No input ever becomes part of the text of a statement,
/// so nothing needs quoting. The statements are composed of constant clauses only, one for each filter in use, so that the planner can use
/// an index for it.
/// </summary>
internal static class ExportSql
{
    // The plan is a nested loop over indexes: chats by their index, the messages of each chat by theirs, feedback by its key. It needs no
    // sort and no hash table, hence neither memory nor temporary files, whatever the size. It returns the first row at once, and it is the
    // fastest plan: sorting a million messages costs more than the index scans. Disabling the other plans keeps the planner from leaving it
    // when statistics are missing. Parallel workers are off because an export must not take processors from the writers. The client may
    // vanish without closing the connection, for instance if its process was killed, while the server sends nothing; so the server checks
    // the connection every second (not possible on Windows).
    private const string Prepare = """
        select set_config('transaction_read_only', 'on', true),
               set_config('statement_timeout', '0', true),
               set_config('enable_seqscan', 'off', true),
               set_config('enable_bitmapscan', 'off', true),
               set_config('enable_sort', 'off', true),
               set_config('enable_hashjoin', 'off', true),
               set_config('enable_mergejoin', 'off', true),
               set_config('enable_material', 'off', true),
               set_config('max_parallel_workers_per_gather', '0', true),
               set_config('jit', 'off', true),
               set_config(
                   'client_connection_check_interval', case when version() ~* 'visual c|mingw|windows|msvc' then '0' else '1s' end, true),
               set_config('chatlogger.org_id', @OrgId::uuid::text, true),
               set_config('chatlogger.from_at', @From::timestamptz::text, true),
               set_config('chatlogger.to_at', @To::timestamptz::text, true),
               set_config('chatlogger.tags', @Tags::text[]::text, true),
               set_config('chatlogger.user_id', @UserId::uuid::text, true),
               set_config('chatlogger.external_user_id', @ExternalUserId::text, true),
               set_config('chatlogger.model', @Model::text, true),
               set_config('chatlogger.rating', @Rating::text, true)
        """;

    public static async Task<ExportValues> SetUp(this Sql.Transaction snapshot, ExportRequest request, Engine engine)
    {
        var values = new
        {
            request.OrgId,
            request.From,
            request.To,
            request.Tags,
            request.UserId,
            request.ExternalUserId,
            request.Model,
            request.Rating,
        };
        if (engine.IsDistributed)
            return await ExportValues.Literals(snapshot, values);
        await snapshot.ExecuteAsync(Prepare, values);
        return ExportValues.Settings;
    }

    /// <summary>
    /// Stores the ids of the chats that the search has found in the same snapshot; the export then uses them like any other filter.
    /// </summary>
    public static async Task<ExportValues> Found(this Sql.Transaction snapshot, ExportValues values, IReadOnlyList<Guid> chats)
    {
        if (values.AreLiterals)
            return await values.With(snapshot, chats);
        await snapshot.ExecuteAsync(
            "select set_config('chatlogger.chat_ids', @Chats::uuid[]::text, true)", new { Chats = chats.ToArray() });
        return values;
    }

    /// <summary>The filters except for the search query, as clauses on <c>chats c</c>.</summary>
    public static SearchScope Scope(ExportRequest request, ExportValues values) =>
        new(request.OrgId, Filters(request, values), new { });

    public static string CountChats(ExportRequest request, ExportValues values) =>
        $"select count(*) {Chats(request, values)}";

    public static string CountMessages(ExportRequest request, ExportValues values) => $"""
        select count(*)
        from (
            select 1
            {Chats(request, values, $"join messages m on m.org_id = {values.OrgOfChat} and m.chat_id = c.id")}
            limit @Most
        ) counted
        """;

    /// <summary>
    /// Returns a row for each chat, followed by a row for each of its messages; both share the columns, see <see cref="CopyReader"/>.
    /// Sending a chat once instead of joined to each of its messages saves a third of the work. The lateral join returns its branches in
    /// their order; SQL does not guarantee this, so the reader checks it.
    /// </summary>
    public static string Copy(ExportRequest request, ExportValues values, bool totals, bool assistant) => $"""
        copy (
            select row.*
            from (
                select c.org_id, c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at,
                       c.updated_at
                {Chats(request, values)}
                order by c.created_at, c.id
            ) c
            {(totals ? Totals(values) : NoTotals)}
            {(assistant ? Assistant(values) : NoAssistant)}
            left join feedback f on f.org_id = {values.OrgOfChat} and f.target_id = c.id
            cross join lateral (
                select null::bigint as seq, c.id, c.user_id as owner, c.title as text1, c.external_user_id as text2, c.metadata,
                       array_to_json(c.tags)::text as text3, t.count as number1, a.assistant as number2, null::integer as number3,
                       null::integer as number4, c.created_at, c.updated_at, t.first_at, t.last_at, f.rating, f.comment, f.at,
                       c.external_id as text4, null as text5, null::json as json1, null::json as json2
                union all
                (
                    select m.seq, m.id, m.chat_id, m.role, m.content, m.metadata,
                           m.model, m.latency_ms, m.token_count, m.prompt_tokens,
                           m.completion_tokens, m.created_at, null, null, null, f.rating, f.comment, f.at, m.name, m.tool_call_id,
                           m.tool_calls, m.parts
                    from messages m
                    left join feedback f on f.org_id = {values.OrgOfMessage} and f.target_id = m.id
                    where m.org_id = {values.OrgOfChat} and m.chat_id = c.id
                    order by m.seq
                )
            ) row
            order by c.created_at, c.id
        ) to stdout (format binary)
        """;

    private static string Totals(ExportValues values) => $"""
        cross join lateral (
            select count(*)::integer as count, min(m.created_at) as first_at, max(m.created_at) as last_at
            from messages m
            where m.org_id = {values.OrgOfChat} and m.chat_id = c.id
        ) t
        """;

    private const string NoTotals =
        "cross join (values (null::integer, null::timestamptz, null::timestamptz)) t (count, first_at, last_at)";

    // The values of ExportedAssistant.
    private static string Assistant(ExportValues values) => $"""
        cross join lateral (
            select case
                       when exists (
                           select
                           from messages m
                           where m.org_id = {values.OrgOfChat} and m.chat_id = c.id and m.role = 'assistant' and m.content <> ''
                       ) then 2
                       when exists (
                           select
                           from messages m
                           where m.org_id = {values.OrgOfChat} and m.chat_id = c.id and m.role = 'assistant'
                       ) then 1
                       else 0
                   end as assistant
        ) a
        """;

    private const string NoAssistant = "cross join (values (null::integer)) a (assistant)";

    private static string Chats(ExportRequest request, ExportValues values, string join = "") => string.Join(
        "\n",
        $"""
        from {(request.Q is null ? "" : FoundOnes(values))} chats c {(request.Q is null ? "" : "on c.id = found.id")}
        {join}
        where c.org_id = {values.Named("org_id")}::uuid
          and c.deleted_at is null
        """,
        Filters(request, values));

    private static string FoundOnes(ExportValues values) => $"unnest({values.Named("chat_ids")}::uuid[]) found(id) join";

    private static string Filters(ExportRequest request, ExportValues values) => string.Join(
        "\n",
        request.From is null ? "" : $"and c.created_at >= {values.Named("from_at")}::timestamptz",
        request.To is null ? "" : $"and c.created_at < {values.Named("to_at")}::timestamptz",
        request.Tags.Length == 0 ? "" : $"and c.tags @> {values.Named("tags")}::text[]",
        request.UserId is null ? "" : $"and c.user_id = {values.Named("user_id")}::uuid",
        request.ExternalUserId is null ? "" : $"and c.external_user_id = {values.Named("external_user_id")}",
        request.Model is null ? "" : OfModel(values),
        request.Rating switch
        {
            null => "",
            "none" => $"and not exists ({Rated(values)})",
            _ => $"and exists ({Rated(values)} and {RatedSo(values)})",
        });

    private static string OfModel(ExportValues values) =>
        $"""
        and exists (
            select
            from messages said
            where said.org_id = {values.OrgOfChat} and said.chat_id = c.id and said.model = {values.Named("model")}
        )
        """;

    private static string Rated(ExportValues values) =>
        $"select from feedback rated where rated.org_id = {values.OrgOfChat} and rated.chat_id = c.id";

    private static string RatedSo(ExportValues values) => $"rated.rating = {values.Named("rating")}";
}
