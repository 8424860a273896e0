-- How pictures look: light, background, camera.
create table catalog.style (
    style_id uuid primary key,
    organization_id uuid not null,
    version bigint not null default 1,
    name text not null,
    prompt text not null,
    negative_prompt text not null,
    background text not null,
    light text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index style_name_is_unique on catalog.style (organization_id, lower(name));
create index style_by_organization on catalog.style (organization_id, style_id desc);
