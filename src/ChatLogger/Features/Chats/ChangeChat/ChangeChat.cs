using ChatLogger.Auth;
using ChatLogger.ChangeFeed;
using ChatLogger.Data;
using ChatLogger.Http;
using FluentValidation;
using MediatR;
using Npgsql;

namespace ChatLogger.Features;

/// <summary>
/// PATCH /api/v1/orgs/{slug}/chats/{chatId} and PATCH /orgs/me/chats/{chatId}: a plugin, or a member, changes the title, tags or metadata
/// of a chat.
/// </summary>
internal static class ChangeChat
{
    public static void Map(IEndpointRouteBuilder plugin) =>
        plugin
            .MapPatch(
                "/chats/{chatId}",
                async (PathId chatId, Body<Request> body, PluginCaller caller, ISender sender, CancellationToken ct) =>
                    TypedResults.Ok(await sender.Send(body.Value.By(caller.OrgId, null, chatId) with { Policy = caller.Policy }, ct)))
            .WithSummary("Change a chat.")
            .WithDescription(Semantics);

    public static void MapMember(IEndpointRouteBuilder organization) =>
        organization
            .MapPatch(
                "/chats/{chatId}",
                async (
                    PathId chatId,
                    Body<Request> body,
                    Member caller,
                    OrganizationPolicies policies,
                    ISender sender,
                    CancellationToken ct) =>
                {
                    var command = body.Value.By(caller.OrgId, caller.OnlyChatsOf, chatId);
                    return TypedResults.Ok(await sender.Send(command with { Policy = await policies.Of(caller.OrgId, ct) }, ct));
                })
            .WithName("ChangeOwnChat")
            .WithSummary("Change a chat as a member.")
            .WithDescription(Semantics);

    private const string Semantics =
        "What is absent or null stays as it is; an empty text, array or object clears. tags and metadata are replaced whole. updatedAt " +
        "moves when something has become another: not when all of it was so before, and neither with a message nor with feedback.";

    public sealed record Request(string? Title = null, string[]? Tags = null, RawJsonObject? Metadata = null)
    {
        public Command By(Guid orgId, Guid? onlyChatsOf, Guid chatId) =>
            new(orgId, onlyChatsOf, chatId, Title, Tags is null ? null : ChatRules.Trimmed(Tags), Metadata);
    }

    public sealed record Command(Guid OrgId, Guid? OnlyChatsOf, Guid ChatId, string? Title, string[]? Tags, RawJsonObject? Metadata)
        : IRequest<Chat>
    {
        public OrganizationPolicy Policy { get; init; } = OrganizationPolicy.None;
    }

    public sealed class Validator : AbstractValidator<Command>
    {
        public Validator(Limits limits)
        {
            RuleFor(change => change.Title).AtMostCharacters(limits.NameLength);
            When(change => change.Tags is not null, () => RuleFor(change => change.Tags!).Tags(limits));
            When(change => change.Metadata is not null, () => RuleFor(change => change.Metadata!).Metadata(limits));
        }
    }

    public sealed class Handler(NpgsqlDataSource db, IdGenerator ids, OrganizationLog organizationLog) : IRequestHandler<Command, Chat>
    {
        // If nothing changes, the update writes the row nevertheless, which costs less than a query beforehand; those who follow the
        // organization are not told of it (organization_events). updated_at never decreases, because the clock of another instance may be
        // ahead.
        private const string Change =
            """
            with before as materialized (
                select id, title, tags, metadata
                from chats
                where org_id = @OrgId
                  and id = @ChatId
                  and deleted_at is null
                  and (@OnlyChatsOf is null or user_id = @OnlyChatsOf)
            ), changed as (
                update chats
                set title = case when @Title is null then title else nullif(@Title, '') end,
                    tags = coalesce(@Tags, tags),
                    metadata = coalesce(@Metadata, metadata),
                    text_seq = case
                        when (@Title is not null and title is distinct from nullif(@Title, '')) or tags <> @Tags
                        then @Seq
                        else text_seq
                    end,
                    updated_at = case
                        when (@Title is not null and title is distinct from nullif(@Title, ''))
                          or tags <> @Tags
                          or metadata::text <> @Metadata::text
                        then greatest(updated_at, @Now)
                        else updated_at
                    end
                where org_id = @OrgId
                  and id = (select id from before)
                  and deleted_at is null
                returning org_id, id, external_id, title, tags, metadata, user_id, external_user_id, created_at, updated_at
            ), recorded as (
                insert into organization_events (org_id, seq, chat_id, user_id, deleted, at)
                select c.org_id, @Seq, c.id, c.user_id, false, @Now
                from changed c
                join before l on l.id = c.id
                where c.title is distinct from l.title
                   or c.tags <> l.tags
                   or c.metadata::text <> l.metadata::text
            )
            select c.id, c.external_id, c.title, c.tags, c.metadata, c.user_id, c.external_user_id, c.created_at, c.updated_at, f.rating,
                   f.comment, f.at
            from changed c
            left join feedback f on f.org_id = @OrgId and f.target_id = c.id
            """;

        public async Task<Chat> Handle(Command command, CancellationToken ct)
        {
            var row = await db.InTransactionAsync(
                async transaction =>
                {
                    var seqs = await organizationLog.Lock(transaction, command.OrgId);
                    return await transaction.QuerySingleOrDefaultAsync<Chat.Row>(
                        Change,
                        new
                        {
                            command.OrgId,
                            command.OnlyChatsOf,
                            command.ChatId,
                            Title = command.Policy.RedactTitle(command.Title),
                            command.Tags,
                            Metadata = command.Policy.RedactMetadata(command.Metadata),
                            Seq = seqs[0],
                            ids.Next().Now,
                        });
                },
                ct);
            return row?.ToChat() ?? throw ProblemException.NotFound("No such chat in this organization.");
        }
    }
}
