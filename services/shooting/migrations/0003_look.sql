-- A product on a subject in a style. The ids are of the catalog, which alone knows what they name.
create table shooting.look (
    look_id uuid primary key,
    organization_id uuid not null,
    shooting_id uuid not null references shooting.shooting,
    version bigint not null default 1,
    name text not null,
    product_id uuid not null,
    subject_id uuid not null,
    style_id uuid not null,
    guideline_ids uuid[] not null,
    shot_type_ids uuid[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index look_by_shooting on shooting.look (shooting_id, look_id);
