-- What somebody decided about a shot. Rows are added and undone, never changed otherwise.
create table shooting.decision (
    decision_id uuid primary key,
    -- The order of decisions: the lock on the shooting makes it that of time.
    number bigint generated always as identity,
    organization_id uuid not null,
    shot_id uuid not null references shooting.shot,
    prediction_id uuid not null,
    kind text not null,
    reason text,
    note text not null,
    user_id uuid not null,
    -- The generation that a revision started.
    generation_id uuid,
    -- What an undo gives back.
    state_before text not null,
    selected_before uuid,
    created_at timestamptz not null default now(),
    undone_at timestamptz,

    constraint decision_kind_is_known check (kind in ('approve', 'reject', 'revise'))
);
create index decision_by_shot on shooting.decision (shot_id, number desc);
create index decision_by_prediction on shooting.decision (prediction_id, number desc);
