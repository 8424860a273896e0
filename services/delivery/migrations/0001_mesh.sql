-- The first answers to mutations, for callers who ask again.
create table delivery.replay (
    organization_id uuid not null,
    method text not null,
    request_id uuid not null,
    fingerprint bytea not null,
    reply bytea not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, method, request_id)
);
create index replay_created_at on delivery.replay (created_at);

-- What happened, until everyone was told.
create table delivery.outbox (
    outbox_id bigint generated always as identity primary key,
    position bigint,
    event bytea not null,
    created_at timestamptz not null default now(),

    constraint outbox_position_is_unique unique (position)
);
create index outbox_without_position on delivery.outbox (outbox_id) where position is null;

-- How far each source was read; the row of the service itself is the last position it gave.
create table delivery.position (
    source text primary key,
    position bigint not null
);
