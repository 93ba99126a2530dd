-- What a piece that an integration has been told belongs to, so that what is removed takes its pieces with it.
-- compatible
-- The version before does not fill the column. What it has stored is found by reading all of it when somebody is erased; of a chat that is deleted, what was said
-- goes a day after it was told, as before.

-- The name of the conversation, trace, message or run that the piece is within, as chats have it for their external_id. Null: not told yet.
alter table integration_events add column belongs_to text collate "C"
    constraint integration_events_belongs_to_check check (char_length(belongs_to) between 1 and 200);
