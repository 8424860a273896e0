-- An Ed25519 key that tokens are signed with.
create table identity.signing_key (
    signing_key_id uuid primary key,
    public_key bytea not null,
    -- The private key, encrypted under KEY_SECRET.
    sealed_key bytea not null,
    -- Published from its creation, signs from here on ...
    signs_at timestamptz not null,
    -- ... and is believed until here, once it has a successor.
    retires_at timestamptz,
    created_at timestamptz not null default now()
);
