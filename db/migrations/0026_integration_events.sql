-- What SDKs of other services send in pieces.
-- compatible
-- The version before does not know the table.

-- Langfuse's and Lunary's SDKs tell of a call of a model in several events, often in several requests: which conversation a trace belongs to, what was said
-- to the model, what it answered. Here the pieces wait for each other. What was said stays only until the call is complete, at most a day; which conversation a
-- trace or a run belongs to stays for 30 days, so that a rating finds it.
create table integration_events (
    org_id     uuid                   not null,
    -- What the id is of: langfuse-trace, langfuse-generation, lunary-run, lunary-message.
    source     text                   not null,
    -- The id that the sender has given it, compared byte by byte.
    id         text       collate "C" not null,
    -- What has been told of it so far, merged member by member. Texts of conversations are strings in it, so that they are kept as they were sent.
    body       jsonb                  not null,
    updated_at timestamptz            not null,
    -- Serves: what is known of these things. No foreign key to organizations: PurgeOrganizations removes the rows, and the check would lock the organization.
    constraint integration_events_pkey primary key (org_id, source, id),
    constraint integration_events_source_check check (char_length(source) between 1 and 40),
    constraint integration_events_id_check check (char_length(id) between 1 and 200)
);

-- Serves: the removal of what is old, one organization at a time.
create index integration_events_org_id_updated_at_idx on integration_events (org_id, updated_at);
