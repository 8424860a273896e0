-- A brand, which owns everything that is made in it.
create table identity.organization (
    organization_id uuid primary key,
    name text not null,
    created_at timestamptz not null default now()
);

-- A user's place in an organization.
create table identity.membership (
    -- Sorts by the time of joining.
    membership_id uuid primary key,
    organization_id uuid not null references identity.organization,
    user_id uuid not null references identity.user,
    role text not null,
    created_at timestamptz not null default now(),

    constraint membership_is_unique unique (organization_id, user_id),
    constraint membership_role_is_known
        check (role in ('owner', 'admin', 'editor', 'reviewer', 'viewer'))
);
create index membership_in_order on identity.membership (organization_id, membership_id);
create index membership_of_user on identity.membership (user_id, organization_id);

-- A place in an organization that is offered to whoever holds its token and has its address.
create table identity.invitation (
    invitation_id uuid primary key,
    organization_id uuid not null references identity.organization,
    email text not null,
    role text not null,
    token_hash bytea not null,
    invited_by uuid not null references identity.user,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    created_at timestamptz not null default now(),

    constraint invitation_token_is_unique unique (token_hash),
    constraint invitation_role_is_known
        check (role in ('owner', 'admin', 'editor', 'reviewer', 'viewer'))
);
-- A second invitation of the same person replaces the first.
create unique index invitation_is_the_only_open_one
    on identity.invitation (organization_id, email) where accepted_at is null;
create index invitation_expires_at on identity.invitation (expires_at);
