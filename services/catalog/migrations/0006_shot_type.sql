-- What a shot shows: framing, angle, pose, size. The system set belongs to no organization.
create table catalog.shot_type (
    shot_type_id uuid primary key,
    organization_id uuid,
    version bigint not null default 1,
    code text not null,
    name text not null,
    framing text not null,
    angle text not null,
    pose text not null,
    width_px integer not null,
    height_px integer not null,
    default_variants integer not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint shot_type_code_is_unique unique nulls not distinct (organization_id, code),
    constraint shot_type_size_is_drawable
        check (width_px between 256 and 2048 and height_px between 256 and 2048),
    constraint shot_type_variants_are_few check (default_variants between 1 and 8)
);
create index shot_type_by_organization on catalog.shot_type (organization_id, shot_type_id desc);
