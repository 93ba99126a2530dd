-- What bots really say: a turn of an assistant may consist of tool calls alone, or of an array of parts (text, images, reasoning). And the caller's
-- own name of a conversation, so that a caller who does not keep our ids, or sends again after a crash, finds its chat.
-- compatible
-- The version before writes neither and reads the content of such a message as an empty text.

alter table messages
    -- An array of objects with a type, as sent; json for the reasons that metadata is (see 0002).
    add column parts json,
    -- An array of { id, name, arguments }, as sent.
    add column tool_calls json,
    -- The call that a message with the role tool answers.
    add column tool_call_id text,
    -- The name of the tool or of the participant.
    add column name text,
    -- An empty content says that there is none, which no caller can send otherwise: the version before cannot read a null. "Not valid" spares the
    -- lock on a large table the time of reading it: the rows that exist have passed a stricter check; 0017 confirms it beside the traffic.
    drop constraint messages_content_check,
    add constraint messages_content_check
        check (octet_length(content) <= 4194304 and (content <> '' or parts is not null or tool_calls is not null)) not valid,
    add constraint messages_tool_call_id_check check (char_length(tool_call_id) between 1 and 512) not valid,
    add constraint messages_name_check check (char_length(name) between 1 and 512) not valid;

alter table chats
    add column external_id text,
    add constraint chats_external_id_check check (char_length(external_id) between 1 and 512) not valid;

-- Serves: the chat of an external id, and makes one chat of two that come at once. A deleted chat gives its external id back.
create unique index chats_org_id_external_id_key on chats (org_id, external_id)
    where external_id is not null and deleted_at is null;
