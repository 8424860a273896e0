-- One sign-in of a user on one device.
create table identity.session (
    session_id uuid primary key,
    user_id uuid not null references identity.user,
    -- Where its tokens act; null once the user belongs nowhere.
    organization_id uuid,
    device text not null,
    -- How often the refresh token has changed, and the hash of the one that works now.
    generation bigint not null default 0,
    token_hash bytea not null,
    -- The token that was used last: for a moment it still answers, with its one successor.
    previous_hash bytea,
    rotated_at timestamptz,
    -- The last token that was replaced without having been used.
    skipped_generation bigint,
    created_at timestamptz not null,
    refreshed_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revocation text,

    constraint session_revocation_has_a_reason check ((revoked_at is null) = (revocation is null))
);
create index session_of_user on identity.session (user_id, session_id) where revoked_at is null;
create index session_revoked_at on identity.session (revoked_at) where revoked_at is not null;
create index session_expires_at on identity.session (expires_at);

-- An organization that a session has left while access tokens for it may be alive.
create table identity.session_departure (
    session_id uuid not null references identity.session on delete cascade,
    organization_id uuid not null,
    departed_at timestamptz not null,
    primary key (session_id, organization_id)
);
