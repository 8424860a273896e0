-- Providers, as a mesh needs to know them whose adapters come and go.

-- What each provider said last of itself: what is known of it while no adapter of it runs.
create table compute.provider (
    name text primary key,
    -- An encoded ProviderStatus.
    status bytea not null,
    told_at timestamptz not null default now()
);

-- How much each provider is wanted, as the owner counts it. One row each, so that asking is cheap
-- however much is queued; rewritten by each owner from what it has loaded.
create table compute.demand (
    provider text primary key,
    waiting bigint not null,
    running bigint not null,
    room bigint not null,
    -- The owner that counted; a former one does not overwrite a later.
    epoch bigint not null
) with (fillfactor = 50);
