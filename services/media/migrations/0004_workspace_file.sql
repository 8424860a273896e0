-- A result that a provider was allowed to put into the store, and whose it is.
create table media.workspace_file (
    key text primary key,
    organization_id uuid not null,
    media_type text not null,
    size_bytes bigint not null,
    -- The id that the media gets if the bytes are new.
    candidate_id uuid not null,
    -- The media that it was adopted as.
    media_id uuid references media.media,
    attempt integer not null default 0,
    lease_until timestamptz,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    -- Set once the object is gone and only the memory of the adoption is left.
    removed_at timestamptz
);
create index workspace_file_present on media.workspace_file (expires_at) where removed_at is null;
