-- Serves: the list of an organization's chats of one end user, newest first.
create index chats_org_id_external_user_id_created_at_idx on chats (org_id, external_user_id, created_at desc, id desc)
    where external_user_id is not null and deleted_at is null;

-- Serves: the list of chats with some tags. As the newest chats are written all the time, the list of what waits to go in is kept short.
create index chats_tags_idx on chats using gin (org_id, tags) with (gin_pending_list_limit = 256)
    where tags <> '{}' and deleted_at is null;

-- Serves: what is to be removed for good, oldest deletion first. Empty most of the time.
create index chats_org_id_deleted_at_idx on chats (org_id, deleted_at, id) where deleted_at is not null;
