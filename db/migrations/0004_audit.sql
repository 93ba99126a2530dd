-- What was done in an organization, by whom. Append-only: no statement of the service changes or removes an event, and what an event says it
-- says in its own columns, so that it stays true when the member, the key or the chat it speaks of is gone.

create table audit_events (
    org_id      uuid        not null,
    id          uuid        not null,
    at          timestamptz not null,
    -- Who: a member or superadmin by user id, a key by its public id, an operator (command line, settings) by the way they came. Text, for they
    -- are of several kinds; not a reference, for a superadmin is of no organization.
    actor_type  text        not null,
    actor_id    text,
    -- What: key.created, member.changed, access.denied, … in the words of the log.
    action      text        not null,
    -- To what.
    target_type text        not null,
    target_id   text,
    -- Of the request; empty for what came by no request.
    trace_id    text        not null,
    constraint audit_events_pkey primary key (org_id, id),
    constraint audit_events_org_id_fkey foreign key (org_id) references organizations (id),
    constraint audit_events_actor_check check (char_length(actor_type) between 1 and 20 and char_length(actor_id) <= 100),
    constraint audit_events_action_check check (char_length(action) between 1 and 50),
    constraint audit_events_target_check check (char_length(target_type) between 1 and 20 and char_length(target_id) <= 200),
    constraint audit_events_trace_id_check check (char_length(trace_id) <= 64)
);

-- Serves: an organization's events, newest first, by keyset.
create index audit_events_org_id_at_idx on audit_events (org_id, at desc, id desc);

-- Serves: the same for one actor, and the question whether a denial of this actor was noted within the last minute.
create index audit_events_org_id_actor_id_idx on audit_events (org_id, actor_id, at desc, id desc);

-- Serves: the same for one kind of event.
create index audit_events_org_id_action_idx on audit_events (org_id, action, at desc, id desc);
