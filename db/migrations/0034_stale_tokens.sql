-- The words of removed rows of the search index are looked up one by one in small steps: in one transaction with the removal it takes too long.
-- compatible
-- The version before removes unused words with the rows, and leaves these to the next version.

-- Tokens of rows that are gone: their words may be in no row any more.
create table search_stale_tokens (
    org_id uuid    not null,
    token  integer not null,
    -- Serves: the next tokens of an organization.
    constraint search_stale_tokens_pkey primary key (org_id, token)
);
