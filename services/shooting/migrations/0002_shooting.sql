-- A set of looks that is produced, reviewed and delivered together.
create table shooting.shooting (
    shooting_id uuid primary key,
    organization_id uuid not null,
    version bigint not null default 1,
    -- Follows from the shots, unless archived. Whoever changes a shot locks this row first.
    state text not null default 'draft',
    name text not null,
    brief text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint shooting_state_is_known
        check (state in ('draft', 'in_production', 'in_review', 'approved', 'archived'))
);
create index shooting_by_organization on shooting.shooting (organization_id, shooting_id desc);
