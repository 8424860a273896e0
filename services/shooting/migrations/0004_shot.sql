-- One picture that a look needs.
create table shooting.shot (
    shot_id uuid primary key,
    organization_id uuid not null,
    shooting_id uuid not null references shooting.shooting,
    look_id uuid not null references shooting.look,
    position integer not null,
    shot_type_id uuid not null,
    state text not null default 'planned',
    revision_number integer not null default 0,
    selected_prediction_id uuid,
    generation_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint shot_type_is_shot_once unique (look_id, shot_type_id),
    constraint shot_state_is_known check (state in
        ('planned', 'generating', 'to_review', 'revision_requested', 'approved', 'rejected')),
    constraint shot_is_approved_with_its_picture
        check ((state = 'approved') = (selected_prediction_id is not null))
);
create index shot_by_shooting on shooting.shot (shooting_id, look_id, position);

-- A generation of a shot, as its events told. A row is what makes a repeated event change nothing.
create table shooting.generation (
    generation_id uuid primary key,
    organization_id uuid not null,
    shot_id uuid not null references shooting.shot,
    ended_at timestamptz,
    created_at timestamptz not null default now()
);
create index generation_by_shot on shooting.generation (shot_id);

-- A picture that is ready for review.
create table shooting.prediction (
    prediction_id uuid primary key,
    organization_id uuid not null,
    shot_id uuid not null references shooting.shot,
    created_at timestamptz not null default now()
);
create index prediction_by_shot on shooting.prediction (shot_id);
