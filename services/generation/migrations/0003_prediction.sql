-- One picture that a generation makes.
create table generation.prediction (
    prediction_id   uuid primary key,
    generation_id   uuid not null references generation.generation,
    organization_id uuid not null,
    shot_id         uuid not null,
    index           integer not null,
    state           text not null,
    media_id        uuid,
    seed            bigint not null,
    provider        text not null default '',
    model           text not null default '',
    prompt          text not null default '',
    queue_ms        bigint,
    run_ms          bigint,
    post_ms         bigint,
    cost_micros     bigint not null default 0,
    error_reason    text,
    error_message   text,
    is_retryable    boolean not null default false,
    created_at      timestamptz not null default now(),
    ready_at        timestamptz,

    constraint prediction_index_is_unique unique (generation_id, index),
    constraint prediction_state_is_known check (
        state in ('expected', 'rendering', 'post_processing', 'ready', 'failed', 'cancelled')
    ),
    constraint prediction_is_ready_with_media check (state <> 'ready' or media_id is not null)
);
create index prediction_of_shot on generation.prediction (shot_id, prediction_id);
