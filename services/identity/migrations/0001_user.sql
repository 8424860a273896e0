-- A person who can sign in.
create table identity.user (
    user_id uuid primary key,
    email text not null,
    name text not null,
    password_hash text not null,
    -- Where the next sign-in acts; a wish, as the membership may be gone by then.
    last_organization_id uuid,
    created_at timestamptz not null default now(),

    constraint user_email_is_unique unique (email),
    constraint user_email_is_lower_case check (email = lower(email collate "C"))
);

-- The first answers to mutations, for callers who ask again.
create table identity.replay (
    -- The user where the mutation belongs to no organization.
    organization_id uuid not null,
    method text not null,
    request_id uuid not null,
    fingerprint bytea not null,
    reply bytea not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, method, request_id)
);
create index replay_created_at on identity.replay (created_at);
