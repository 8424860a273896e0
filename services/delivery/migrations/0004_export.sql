-- Approved pictures on their way to a zip or to a target.
create table delivery.export (
    export_id uuid primary key,
    organization_id uuid not null,
    state text not null default 'queued',
    name text not null,
    shooting_id uuid not null,
    -- Null for a zip. It outlives the target.
    target_id uuid,
    -- Null as the pictures were made.
    media_type text,
    long_edge_px integer not null,
    quality integer not null,
    -- Which run of the job may write. Whoever was overtaken writes nothing.
    run integer not null default 0,
    -- How often it paused since something was delivered, and since when nothing was.
    pauses integer not null default 0,
    stuck_since timestamptz,
    zip_key text,
    zip_bytes bigint,
    zip_expires_at timestamptz,
    problem text not null default '',
    created_at timestamptz not null default now(),
    ended_at timestamptz,

    constraint export_state_is_known check (
        state in ('queued', 'delivering', 'waiting', 'completed', 'partially_completed', 'failed', 'cancelled')
    )
);
create index export_by_organization on delivery.export (organization_id, export_id desc);
create index export_by_shooting on delivery.export (shooting_id, export_id desc);
create index export_open_by_target on delivery.export (target_id)
    where state in ('queued', 'delivering', 'waiting');

-- One picture of an export.
create table delivery.export_item (
    export_item_id uuid primary key,
    export_id uuid not null references delivery.export,
    shot_id uuid not null,
    prediction_id uuid not null,
    media_id uuid not null,
    filename text collate "C" not null,
    state text not null default 'pending',
    attempt_count integer not null default 0,
    -- How many of the attempts were before the last retry, and do not count against it.
    forgiven_count integer not null default 0,
    problem text not null default '',
    -- What is delivered, written before it is sent: an answer that is lost is looked up by it.
    sha256 bytea,
    size_bytes bigint,
    -- What the receiver confirmed.
    location text,
    remote_id text,
    delivered_at timestamptz,

    constraint export_item_filename_is_unique unique (export_id, filename),
    constraint export_item_state_is_known check (state in ('pending', 'delivered', 'failed', 'cancelled')),
    constraint export_item_is_delivered_with_receipt
        check (state <> 'delivered' or (sha256 is not null and location is not null and delivered_at is not null))
);
create index export_item_by_state on delivery.export_item (export_id, state);
