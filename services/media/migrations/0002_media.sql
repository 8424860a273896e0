-- One picture or film that was judged by its bytes. Its objects are there before the row is, and the row never changes.
create table media.media (
    media_id uuid primary key,
    organization_id uuid not null,
    origin text not null,
    filename text not null,
    media_type text not null,
    size_bytes bigint not null,
    width_px integer not null,
    height_px integer not null,
    -- Films only, in microseconds.
    duration_us bigint,
    sha256 bytea not null,
    placeholder bytea not null,
    renditions jsonb not null,
    created_at timestamptz not null default now(),

    -- Two uploads of the same bytes are one media.
    constraint media_bytes_are_unique unique (organization_id, sha256),
    constraint media_origin_is_known check (origin in ('upload', 'generated', 'derived')),
    constraint media_sha256_is_whole check (length(sha256) = 32)
);
create index media_newest on media.media (organization_id, created_at desc, media_id desc);
