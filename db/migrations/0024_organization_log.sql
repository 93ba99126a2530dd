-- One log for each organization. Everything that happens to its chats has a number of the log; a transaction locks the organization's row before it
-- draws numbers and holds it until it ends. So within an organization numbers are committed in their order: whoever sees a number sees everything
-- that has a smaller one. The version before draws numbers without this lock: it must be stopped before this migration runs.

create table organization_log (
    -- No foreign key: the table is spread with the conversations, which the directory is not.
    org_id    uuid        not null,
    -- The organization is deleted: nothing is written any more. Never null again.
    closed_at timestamptz,
    -- Serves: the lock.
    constraint organization_log_pkey primary key (org_id)
);

insert into organization_log (org_id, closed_at)
select id, deleted_at
from organizations;

-- Where numbers come from. One for all organizations, because a counter in the row above would leave a dead row behind with each commit, which a long
-- transaction would keep. What has a number keeps it.
create sequence organization_log_seq;
select setval('organization_log_seq', last_value, is_called) from messages_seq_seq;

-- The service gives each row its number; the defaults are for rows that are written by hand.
alter table chats alter column seq set default nextval('organization_log_seq');
alter table feedback alter column seq set default nextval('organization_log_seq');
alter table feedback_replaced alter column until_seq set default nextval('organization_log_seq');
alter table chat_changes alter column seq set default nextval('organization_log_seq');
alter table messages alter column seq drop identity;
alter table messages alter column seq set default nextval('organization_log_seq');

drop table arrivals;
