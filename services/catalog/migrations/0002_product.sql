-- One sellable item that is to be photographed.
create table catalog.product (
    product_id uuid primary key,
    organization_id uuid not null,
    version bigint not null default 1,
    state text not null default 'active',
    name text not null,
    sku text not null,
    -- The SKU as it is compared: upper case, without spaces, dots, dashes and underscores.
    sku_normal text not null,
    brand text not null,
    colour text not null,
    garment text not null,
    description text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint product_state_is_known check (state in ('active', 'archived')),
    constraint product_garment_is_known
        check (garment in ('unknown', 'upper', 'lower', 'full_body', 'outer', 'accessory'))
);
create unique index product_sku_is_unique
    on catalog.product (organization_id, sku_normal) where sku_normal <> '';
-- Pages of a list, newest first. A search reads the organization's products along it: a trigram index needs an
-- extension, which the owner of a schema may not be allowed to create.
create index product_by_organization on catalog.product (organization_id, product_id desc);
create index product_by_name on catalog.product (organization_id, lower(name));

-- A picture in one of a product's slots.
create table catalog.product_photo (
    product_id uuid not null references catalog.product on delete cascade,
    position integer not null,
    slot text not null,
    media_id uuid not null,

    primary key (product_id, position),
    constraint product_photo_slot_is_known
        check (slot in ('front', 'back', 'side', 'detail', 'worn'))
);
create unique index product_photo_slot_is_used_once
    on catalog.product_photo (product_id, slot) where slot <> 'detail';
create index product_photo_in_front on catalog.product_photo (media_id) where slot = 'front';
