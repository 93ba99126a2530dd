-- no-transaction
-- Serves: the chats of an organization whose title, tags or messages changed after a number. Beside the traffic, for the table may be large.
-- compatible
create index concurrently if not exists chats_org_id_text_seq_idx on chats (org_id, text_seq) where text_seq is not null;
