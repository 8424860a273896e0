-- Work to be done, and work that could not be done.
create table delivery.job (
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
create unique index job_key_waits_once on delivery.job (name, unique_key) where state = 'ready';
create index job_due on delivery.job (run_at) where state <> 'dead';
