-- Rules of the brand that every picture keeps.
create table catalog.guideline (
    guideline_id uuid primary key,
    organization_id uuid not null,
    version bigint not null default 1,
    name text not null,
    rules text[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index guideline_name_is_unique on catalog.guideline (organization_id, lower(name));
create index guideline_by_organization on catalog.guideline (organization_id, guideline_id desc);
