namespace ChatLogger.Tests.Features.Exports;

/// <summary>Inserts chats and messages directly into the database.</summary>
internal static class Rows
{
    public static readonly DateTime Morning = new(2026, 3, 1, 8, 0, 0, 120, DateTimeKind.Utc);

    public static async Task<Guid> InsertChat(
        this Org org,
        string? title = null,
        string[]? tags = null,
        string metadata = "{}",
        Guid? user = null,
        string? visitor = null,
        DateTime? at = null,
        Guid? id = null)
    {
        var chat = id ?? Guid.CreateVersion7();
        await org.App.Execute(
            """
            insert into chats (org_id, id, title, tags, metadata, user_id, external_user_id, created_at, updated_at)
            values (@Org, @Id, @Title, @Tags, @Metadata::json, @User, @Visitor, @At::timestamptz, @At::timestamptz)
            """,
            new
            {
                Org = org.Id,
                Id = chat,
                Title = title,
                Tags = tags ?? [],
                Metadata = metadata,
                User = user,
                Visitor = visitor,
                At = at ?? Morning,
            });
        return chat;
    }

    public static async Task<Guid> InsertMessage(
        this Org org,
        Guid chat,
        string content = "Hello",
        string role = "user",
        string metadata = "{}",
        string? model = null,
        int? number = null,
        DateTime? at = null)
    {
        var id = Guid.CreateVersion7();
        await org.App.Execute(
            """
            insert into messages (org_id, chat_id, id, role, content, metadata, latency_ms, token_count, prompt_tokens, completion_tokens,
                model, created_at)
            values (@Org, @Chat, @Id, @Role, @Content, @Metadata::json, @Number, @Number + 1, @Number + 2, @Number + 3, @Model,
                @At::timestamptz)
            """,
            new
            {
                Org = org.Id,
                Chat = chat,
                Id = id,
                Role = role,
                Content = content,
                Metadata = metadata,
                Model = model,
                Number = number,
                At = at ?? Morning,
            });
        return id;
    }

    /// <summary>Many messages of about <paramref name="length"/> characters.</summary>
    public static Task InsertMessages(this Org org, Guid chat, int count, int length) => org.App.Execute(
        """
        insert into messages (org_id, chat_id, id, role, content, created_at)
        select @Org, @Chat, gen_random_uuid(), 'user', n || repeat('x', @Length), @At::timestamptz
        from generate_series(1, @Count) n
        """,
        new { Org = org.Id, Chat = chat, Count = count, Length = length, At = Morning });

    public static Task Rate(this Org org, Guid chat, Guid target, string rating, string? comment = null) =>
        org.App.Execute(
            "insert into feedback (org_id, target_id, chat_id, rating, comment, at) values (@Org, @Target, @Chat, @Rating, @Comment, "
                + "@At::timestamptz)",
            new
            {
                Org = org.Id,
                Target = target,
                Chat = chat,
                Rating = rating,
                Comment = comment,
                At = Morning,
            });

    /// <summary>How many exports the database is still working on.</summary>
    public static Task<long> ActiveCopies(this App app) =>
        app.Value<long>(
            "select count(*) from pg_stat_activity where datname = current_database() and state <> 'idle' and query ilike 'copy%' and pid "
                + "<> pg_backend_pid()");
}
