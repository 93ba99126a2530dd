using System.Text.Json.Nodes;
using ChatLogger.Tests.Support;

namespace ChatLogger.Tests.Features.Integrations;

// What another instance writes, or deletes, while a turn is being written.
public partial class ReceiveTracesTests
{
    // With a trigger, which a distributed table cannot have.
    [SingleServerFact]
    public async Task A_long_turn_that_another_instance_cuts_is_stored_once()
    {
        var acme = await app.Org("acme");
        // More than one transaction takes, and nothing in it that would tell it from a turn that says the same again.
        string[] questions = [.. Enumerable.Range(0, 30).Select(part => $"part {part}")];
        var span = OtlpExports.Span(
            OtlpExports.TraceId(),
            OtlpExports.SpanId(),
            Start,
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.conversation.id", "s"),
            ("gen_ai.input.messages", new JsonArray([.. questions.Select(User)]).ToJsonString()));
        await app.Execute(
            $"""
            create function interpose() returns trigger language plpgsql as $$
            begin
                insert into messages (org_id, chat_id, seq, id, role, content, created_at)
                values (new.org_id, new.chat_id, nextval('organization_log_seq'), gen_random_uuid(), 'user', 'aside', now());
                insert into idempotency_keys (org_id, route, parent_id, key, body_sha256, target_id, created_at)
                select org_id, 'batch', chat_id, '¶20', sha256('aside'), id, now()
                from messages
                where chat_id = new.chat_id and content = 'aside';
                return null;
            end $$;
            create trigger interpose after insert on messages for each row
                when (new.org_id = '{acme.Id}' and new.content = 'part 19') execute function interpose()
            """);
        try
        {
            (await Send(acme, span)).Is(200);
        }
        finally
        {
            await app.Execute("drop trigger interpose on messages; drop function interpose()");
        }

        var stored = (await Messages(acme, "s")).Select(Content).ToList();
        Assert.Equal(["aside", .. questions], stored.OrderBy(content => content == "aside" ? -1 : Array.IndexOf(questions, content)));
        Assert.Equal(20, stored.IndexOf("aside"));
    }

    [Fact]
    public async Task An_exchange_whose_history_is_deleted_while_it_is_written_is_sent_again()
    {
        var acme = await app.Org("acme");
        var chat = await acme.Chat(new { externalId = "s" });
        await acme.Say(chat, "q1");
        await acme.Say(chat, "a1", "assistant");
        (await Send(acme, Chat(Start, "s", ["q1", "a1", "q2"], "a2"))).Is(200);
        // What the instance remembers of the conversation is no longer so, but the conversation ends as it did.
        await app.Execute(
            $"""
            delete from idempotency_keys where org_id = '{acme.Id}' and key = '¶2';
            delete from messages where org_id = '{acme.Id}' and content <> 'a2';
            insert into idempotency_keys (org_id, route, parent_id, key, body_sha256, target_id, created_at)
            values ('{acme.Id}', 'batch', '{chat}', '¶4', sha256('else'), gen_random_uuid(), now())
            """);
        var span = Chat(Start.AddMinutes(1), "s", ["q1", "a1", "q2", "aside", "q3"], "a3");

        var refused = (await Send(acme, span)).Is(503);
        var inBetween = (await Messages(acme, "s")).Select(Content);
        (await Send(acme, span)).Is(200);

        Assert.Equal("1", refused.Header("Retry-After"));
        Assert.Equal(["a2"], inBetween);
        Assert.Equal(["a2", "q1", "a1", "q2", "aside", "q3", "a3"], (await Messages(acme, "s")).Select(Content));
    }

    private static JsonNode User(string text) => new JsonObject
    {
        ["role"] = "user",
        ["parts"] = new JsonArray(new JsonObject { ["type"] = "text", ["content"] = text }),
    };
}
