-- The durable engine: what was accepted, how far it is, who dispatches it.
--
-- States, phases, priorities and capabilities are the numbers that the contract gives them.
-- Hot keys are narrow and grow in the order of acceptance; the ids that callers know are looked up.

-- Who dispatches. One row; a takeover raises the epoch, which every write of the owner is fenced by.
-- The epoch is the key, so that raising it waits for the transactions that share a lock on it.
create table compute.owner (
    epoch bigint primary key,
    holder uuid not null,
    lease_until timestamptz not null,
    is_only boolean not null default true,

    constraint owner_is_one unique (is_only),
    constraint owner_is_only check (is_only)
);
insert into compute.owner (epoch, holder, lease_until)
values (0, '00000000-0000-0000-0000-000000000000', '-infinity');

-- One run of a graph. The truth about it, and the lock that serializes what happens to it.
create table compute.workflow (
    workflow_key bigint generated always as identity primary key,
    workflow_id uuid not null,
    organization_id uuid not null,
    reference text not null,
    priority smallint not null,
    state smallint not null,
    task_count integer not null,
    ended_count integer not null default 0,
    cost_micros bigint not null default 0,
    currency text not null default 'USD',
    event_sequence bigint not null default 0,
    created_at timestamptz not null default now(),
    ended_at timestamptz,

    constraint workflow_id_is_unique unique (workflow_id),
    constraint workflow_state_is_known check (state between 1 and 5)
) with (fillfactor = 70);
create index workflow_by_organization on compute.workflow (organization_id, workflow_key desc);

-- One node of a workflow. Written once, and once more when it ends.
create table compute.task (
    task_key bigint generated always as identity primary key,
    task_id uuid not null,
    workflow_key bigint not null references compute.workflow,
    ordinal smallint not null,
    -- The encoded Node: the work, the bindings, what it comes after.
    node bytea not null,
    -- Null until the task ended; until then the hot row knows.
    state smallint,
    -- An encoded Task that has outputs alone.
    outputs bytea not null default '',
    failure bytea,
    cost_micros bigint not null default 0,
    created_at timestamptz not null default now(),
    ended_at timestamptz,

    constraint task_id_is_unique unique (task_id),
    constraint task_ordinal_is_unique unique (workflow_key, ordinal),
    constraint task_state_is_final check (state between 5 and 8)
) with (fillfactor = 80);

-- One row for each task that has not ended. No index mentions a column that a claim or an attempt
-- changes, so that those updates stay within their page.
create table compute.task_hot (
    task_key bigint primary key,
    workflow_key bigint not null,
    organization_id uuid not null,
    ordinal smallint not null,
    priority smallint not null,
    -- 0 for work that runs in the engine itself.
    capability smallint not null,
    state smallint not null,
    remaining_parents smallint not null,
    -- The number of the last attempt, which fences its writes. Parked attempts count here ...
    attempt integer not null default 0,
    -- ... but not here.
    tries smallint not null default 0,
    -- How many of the tries were on the lane that it is on now.
    lane_tries smallint not null default 0,
    -- How many lanes of the route it is done with.
    fallback smallint not null default 0,

    constraint task_hot_is_not_final check (state between 1 and 4)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
create index task_hot_by_organization on compute.task_hot (organization_id, task_key);

-- When a task that has not ended is looked at next, whatever else happens. Every hot row has one.
create table compute.task_wake (
    task_key bigint primary key,
    wake_at timestamptz not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
create index task_wake_by_time on compute.task_wake (wake_at);

-- One try of a task on a lane. Each phase is durable before the next begins.
create table compute.attempt (
    task_key bigint not null,
    number integer not null,
    phase smallint not null,
    provider text not null,
    model text not null,
    resume_token bytea,
    vendor_job_id text not null default '',
    reserved_micros bigint not null default 0,
    cost_micros bigint not null default 0,
    currency text not null default 'USD',
    failure bytea,
    -- The owner that made it.
    epoch bigint not null,
    started_at timestamptz not null default now(),
    submitted_at timestamptz,
    ended_at timestamptz,

    primary key (task_key, number),
    constraint attempt_phase_is_known check (phase between 1 and 8)
) with (fillfactor = 70);

-- What attempts reserve and cost. Only ever appended to.
create table compute.ledger (
    ledger_id bigint generated always as identity primary key,
    organization_id uuid not null,
    task_key bigint not null,
    attempt integer not null,
    entry text not null,
    amount_micros bigint not null,
    currency text not null,
    created_at timestamptz not null default now(),

    constraint ledger_entry_is_unique unique (task_key, attempt, entry),
    constraint ledger_entry_is_known check (entry in ('reserve', 'settle', 'release', 'doubt'))
);

-- Attempts that are to be cancelled at their providers. A row goes when the provider has answered.
create table compute.cancellation (
    task_key bigint not null,
    number integer not null,
    organization_id uuid not null,
    provider text not null,
    run_id text not null,
    -- Null until the provider has taken the run: there is nothing to cancel it by before.
    resume_token bytea,
    reserved_micros bigint not null default 0,
    currency text not null default 'USD',
    created_at timestamptz not null default now(),

    primary key (task_key, number)
);

-- What any replica tells the owner. Read by the transaction that wrote it, which misses none:
-- numbers drawn from a sequence commit in another order. Only ever appended to.
create table compute.signal (
    xid bigint not null default (pg_current_xact_id()::text::bigint),
    workflow_key bigint not null,
    -- 1: accepted. 2: cancelled.
    kind smallint not null
);
create index signal_by_xid on compute.signal (xid);

-- Lanes that were chosen instead of what the providers recommend.
create table compute.route (
    capability smallint not null,
    position smallint not null,
    provider text not null,
    model text not null,
    max_concurrency integer not null,

    primary key (capability, position)
);

-- The first answers to mutations, for callers who ask again.
create table compute.replay (
    organization_id uuid not null,
    method text not null,
    request_id uuid not null,
    fingerprint bytea not null,
    reply bytea not null,
    created_at timestamptz not null default now(),
    primary key (organization_id, method, request_id)
);
create index replay_created_at on compute.replay (created_at);

-- What happened, until everyone was told.
create table compute.outbox (
    outbox_id bigint generated always as identity primary key,
    position bigint,
    event bytea not null,
    created_at timestamptz not null default now(),

    constraint outbox_position_is_unique unique (position)
);
create index outbox_without_position on compute.outbox (outbox_id) where position is null;

-- How far each source was read; the row of the service itself is the last position it gave.
create table compute.position (
    source text primary key,
    position bigint not null
);
