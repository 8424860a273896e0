-- What makes predictions for one shot, with everything it was configured with when it started.
create table generation.generation (
    generation_id        uuid primary key,
    organization_id      uuid not null,
    shot_id              uuid not null,
    shooting_id          uuid not null,
    state                text not null,
    kind                 text not null,
    parent_prediction_id uuid,
    note                 text not null default '',
    -- Null until compute has accepted the graph.
    workflow_id          uuid,
    requested_count      integer not null,
    -- The encoded `Configuration`.
    configuration        bytea not null,
    -- The encoded `Graph`, as it is submitted however often that takes.
    graph                bytea not null,
    quoted_micros        bigint not null,
    currency             text not null,
    error_reason         text,
    error_message        text,
    is_retryable         boolean not null default false,
    created_at           timestamptz not null default now(),
    ended_at             timestamptz,

    constraint generation_state_is_known
        check (state in ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    constraint generation_kind_is_known check (kind in ('initial', 'revision'))
);
create index generation_of_organization on generation.generation (organization_id, generation_id);
create index generation_of_shot on generation.generation (shot_id, generation_id);
create index generation_of_shooting on generation.generation (shooting_id, generation_id);
