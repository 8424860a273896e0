-- A file on its way in.
create table media.upload (
    upload_id uuid primary key,
    organization_id uuid not null,
    state text not null default 'created',
    filename text not null,
    media_type text not null,
    size_bytes bigint not null,
    sha256 bytea,
    -- The object that the bytes are put to.
    key text not null,
    -- The store's name for an upload in parts.
    multipart_id text,
    -- The id that the media gets if the bytes are new, so that a second attempt writes to the same keys.
    candidate_id uuid not null,
    media_id uuid references media.media,
    reject_reason text,
    reject_message text,
    -- Which attempt at judging it holds the lease; a later one shuts an earlier one out.
    attempt integer not null default 0,
    lease_until timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz not null,
    -- Set once nothing of it is left in the store but the media it became.
    cleared_at timestamptz,

    constraint upload_state_is_known check (
        state in ('created', 'verifying', 'ingested', 'duplicate', 'rejected', 'aborted', 'expired')
    ),
    constraint upload_names_its_media
        check ((state in ('ingested', 'duplicate')) = (media_id is not null)),
    constraint upload_says_why_it_was_refused
        check ((state = 'rejected') = (reject_reason is not null))
);
create index upload_open on media.upload (expires_at) where state in ('created', 'verifying');
create index upload_uncleared on media.upload (updated_at)
    where cleared_at is null and state not in ('created', 'verifying');
