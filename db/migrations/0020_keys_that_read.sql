-- Keys may have the scope read: a plugin finds and reads chats and messages of its organization.
-- compatible
-- The version before has no route for the scope, so such a key opens nothing there.

alter table api_keys
    drop constraint api_keys_scopes_check,
    add constraint api_keys_scopes_check check (scopes <@ array['ingest', 'import', 'read'] and cardinality(scopes) between 1 and 3);
