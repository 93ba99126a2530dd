-- A key that was rotated lives on beside the one that took its place, for the overlap, and must be told apart: it is rotated once and no more
-- (its end is now the end of the overlap, which a successor must not inherit), and such keys have a quota of their own, so that an organization
-- whose keys are all live can still rotate them.
--
-- Null for all keys so far: none was rotated. Nullable without a default: the catalogue changes, no row does.
alter table api_keys
    add column replaced_at timestamptz;
