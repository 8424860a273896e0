-- A place of a customer that approved pictures are delivered to: a bucket.
create table delivery.target (
    target_id uuid primary key,
    organization_id uuid not null,
    name text not null,
    state text not null,
    -- Rises with every verdict, so that a late refusal does not undo a later test.
    version bigint not null default 1,
    endpoint_url text not null,
    region text not null,
    bucket text not null,
    prefix text not null,
    access_key_id text not null,
    -- The secret that belongs to the key, encrypted.
    sealed_secret bytea not null,
    created_at timestamptz not null default now(),

    constraint target_state_is_known check (state in ('untested', 'active', 'refused'))
);
create unique index target_name_is_unique on delivery.target (organization_id, lower(name));
create index target_by_organization on delivery.target (organization_id, target_id desc);
