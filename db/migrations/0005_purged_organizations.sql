-- Deleting an organization: deleted_at closes every door at once, and what it kept is removed afterwards, in pieces, by whichever instance
-- gets to it. purged_at says that nothing is left but the row itself, which keeps the slug taken, the bare rows of its members, whose ids stand
-- in the audit log, and the audit log.
alter table organizations
    add column purged_at timestamptz,
    add constraint organizations_purged_check check (purged_at is null or deleted_at is not null);

-- Serves: the look for organizations that are deleted and not yet purged. Nearly always empty.
create index organizations_unpurged_idx on organizations (deleted_at) where deleted_at is not null and purged_at is null;

-- Serves: the list of organizations for superadmins, newest first, by keyset.
create index organizations_created_at_idx on organizations (created_at desc, id desc) where deleted_at is null;
