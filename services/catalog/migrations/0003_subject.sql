-- A virtual model: the person that wears the products.
create table catalog.subject (
    subject_id uuid primary key,
    organization_id uuid not null,
    version bigint not null default 1,
    handle text not null,
    name text not null,
    description text not null,
    portrait_media_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint subject_handle_is_unique unique (organization_id, handle)
);
create index subject_by_organization on catalog.subject (organization_id, subject_id desc);
