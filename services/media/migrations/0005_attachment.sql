-- An entity of another service that uses a media.
create table media.attachment (
    attachment_id uuid primary key,
    organization_id uuid not null,
    media_id uuid not null references media.media,
    entity_type text not null,
    entity_id uuid not null,
    slot text not null,
    position integer not null,
    created_at timestamptz not null default now(),

    constraint attachment_is_unique
        unique (organization_id, entity_type, entity_id, media_id, slot)
);
create index attachment_by_media on media.attachment (media_id, created_at);
