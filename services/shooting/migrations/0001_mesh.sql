-- The first answers to mutations, for callers who ask again.
create table shooting.replay (
    organization_id uuid not null,
    method text not null,
    request_id uuid not null,
    fingerprint bytea not null,
    reply bytea not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, method, request_id)
);
create index replay_created_at on shooting.replay (created_at);

-- What happened, until everyone was told.
create table shooting.outbox (
    outbox_id bigint generated always as identity primary key,
    position bigint,
    event bytea not null,
    created_at timestamptz not null default now(),

    constraint outbox_position_is_unique unique (position)
);
create index outbox_without_position on shooting.outbox (outbox_id) where position is null;

-- How far each source was read; the row of the service itself is the last position it gave.
create table shooting.position (
    source text primary key,
    position bigint not null
);

-- Work to be done, and work that could not be done.
create table shooting.job (
    job_id uuid primary key,
    name text not null,
    payload jsonb not null,
    unique_key text,
    state text not null default 'ready',
    attempts integer not null default 0,
    fence bigint not null default 0,
    run_at timestamptz not null default now(),
    last_error text,
    created_at timestamptz not null default now(),

    constraint job_state_is_known check (state in ('ready', 'running', 'dead'))
);
-- One job of a key waits; another may be running.
create unique index job_key_waits_once on shooting.job (name, unique_key) where state = 'ready';
create index job_due on shooting.job (run_at) where state <> 'dead';
