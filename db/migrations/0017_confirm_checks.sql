-- Confirms the checks of 0016 for the rows that were there before. It reads the table, but lets reads and writes pass.
-- compatible

alter table messages
    validate constraint messages_content_check,
    validate constraint messages_tool_call_id_check,
    validate constraint messages_name_check;
alter table chats validate constraint chats_external_id_check;
