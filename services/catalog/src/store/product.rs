//! `catalog.product` and `catalog.product_photo`.

use pg::Page;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use types::Version;
use types::id::{MediaId, OrganizationId, ProductId};
use uuid::Uuid;

use crate::batch;
use crate::error::{Error, Result};
use crate::product::{Content, Filter, Garment, Photo, Product, Sku, Slot, State};

/// Inserts a product with its photos.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: ProductId,
    content: &Content,
) -> Result<Product> {
    sqlx::query!(
        "insert into catalog.product
             (product_id, organization_id, name, sku, sku_normal, brand, colour, garment, description)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.uuid(),
        organization.uuid(),
        &content.name,
        content.sku.as_str(),
        content.sku.normal(),
        &content.brand,
        &content.colour,
        content.garment.as_str(),
        &content.description,
    )
    .execute(&mut *tx)
    .await
    .map_err(|error| taken(error, content))?;
    insert_photos(&mut *tx, id, &content.photos).await?;
    batch::one(id, find(tx, organization, &[id]).await?)
}

/// Finds those of `ids` that the organization has.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    ids: &[ProductId],
) -> Result<Vec<Product>> {
    let ids: Vec<Uuid> = ids.iter().map(|it| it.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select product_id, version, state, name, sku, brand, colour, garment, description,
                array(select slot from catalog.product_photo as photo
                      where photo.product_id = product.product_id order by position) as "slots!",
                array(select media_id from catalog.product_photo as photo
                      where photo.product_id = product.product_id order by position) as "media!",
                created_at, updated_at
         from catalog.product where organization_id = $1 and product_id = any($2)"#,
        organization.uuid(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Finds a product and keeps others from changing it until the transaction ends.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: ProductId,
) -> Result<Product> {
    // Apart from reading it, so that the photos are read after the lock is held.
    sqlx::query!(
        "select product_id from catalog.product
         where organization_id = $1 and product_id = $2 for update",
        organization.uuid(),
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    batch::one(id, find(tx, organization, &[id]).await?)
}

/// Lists a page of the organization's products, newest first.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<Product>> {
    let after = page.after::<ProductId>()?;
    let sku = Sku::parse(&filter.search);
    let rows = sqlx::query_as!(
        Row,
        r#"select product_id, version, state, name, sku, brand, colour, garment, description,
                array(select slot from catalog.product_photo as photo
                      where photo.product_id = product.product_id order by position) as "slots!",
                array(select media_id from catalog.product_photo as photo
                      where photo.product_id = product.product_id order by position) as "media!",
                created_at, updated_at
         from catalog.product
         where organization_id = $1
             and ($2::uuid is null or product_id < $2)
             and ($3 or state = 'active')
             and (name ilike $4 or sku ilike $4 or ($5 <> '' and strpos(sku_normal, $5) > 0))
         order by product_id desc limit $6"#,
        organization.uuid(),
        after.map(ProductId::uuid),
        filter.show_archived,
        contains(&filter.search),
        sku.normal(),
        page.limit(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes the content and the photos of a product as its next version.
pub(crate) async fn update(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: ProductId,
    content: &Content,
) -> Result<Product> {
    sqlx::query!(
        "update catalog.product
         set name = $3, sku = $4, sku_normal = $5, brand = $6, colour = $7, garment = $8,
             description = $9, version = version + 1, updated_at = now()
         where organization_id = $1 and product_id = $2",
        organization.uuid(),
        id.uuid(),
        &content.name,
        content.sku.as_str(),
        content.sku.normal(),
        &content.brand,
        &content.colour,
        content.garment.as_str(),
        &content.description,
    )
    .execute(&mut *tx)
    .await
    .map_err(|error| taken(error, content))?;
    delete_photos(&mut *tx, id).await?;
    insert_photos(&mut *tx, id, &content.photos).await?;
    batch::one(id, find(tx, organization, &[id]).await?)
}

/// Writes the state of a product as its next version.
pub(crate) async fn set_state(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: ProductId,
    from: State,
    to: State,
) -> Result<Product> {
    sqlx::query!(
        "update catalog.product set state = $4, version = version + 1, updated_at = now()
         where organization_id = $1 and product_id = $2 and state = $3",
        organization.uuid(),
        id.uuid(),
        from.as_str(),
        to.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    batch::one(id, find(tx, organization, &[id]).await?)
}

/// Finds another product of the same name.
pub(crate) async fn same_name(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    product: &Product,
) -> Result<Option<ProductId>> {
    let row = sqlx::query!(
        "select product_id from catalog.product
         where organization_id = $1 and lower(name) = lower($2) and product_id <> $3
         order by product_id limit 1",
        organization.uuid(),
        &product.content.name,
        product.id.uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.product_id))
}

/// Finds another product that shows `media` from the front.
pub(crate) async fn same_front(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    product: ProductId,
    media: MediaId,
) -> Result<Option<ProductId>> {
    let row = sqlx::query!(
        "select product_id from catalog.product_photo join catalog.product using (product_id)
         where slot = 'front' and media_id = $2 and organization_id = $1 and product_id <> $3
         order by product_id limit 1",
        organization.uuid(),
        media.uuid(),
        product.uuid(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.product_id))
}

async fn delete_photos(db: impl PgExecutor<'_>, id: ProductId) -> Result<()> {
    sqlx::query!("delete from catalog.product_photo where product_id = $1", id.uuid())
        .execute(db)
        .await?;
    Ok(())
}

async fn insert_photos(db: impl PgExecutor<'_>, id: ProductId, photos: &[Photo]) -> Result<()> {
    let slots: Vec<String> = photos.iter().map(|it| it.slot.as_str().to_owned()).collect();
    let media: Vec<Uuid> = photos.iter().map(|it| it.media_id.uuid()).collect();
    sqlx::query!(
        "insert into catalog.product_photo (product_id, position, slot, media_id)
         select $1, position::integer - 1, slot, media_id
         from unnest($2::text[], $3::uuid[]) with ordinality as photo (slot, media_id, position)",
        id.uuid(),
        &slots,
        &media,
    )
    .execute(db)
    .await?;
    Ok(())
}

fn taken(error: sqlx::Error, content: &Content) -> Error {
    match pg::broken_constraint(&error) {
        Some("product_sku_is_unique") => Error::SkuTaken(content.sku.as_str().to_owned()),
        _ => error.into(),
    }
}

/// Writes the pattern of all texts that contain `text`.
fn contains(text: &str) -> String {
    let text = text.trim().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{text}%")
}

struct Row {
    product_id: ProductId,
    version: i64,
    state: String,
    name: String,
    sku: String,
    brand: String,
    colour: String,
    garment: String,
    description: String,
    slots: Vec<String>,
    media: Vec<Uuid>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for Product {
    fn from(row: Row) -> Self {
        let photos = row.slots.iter().zip(row.media);
        let photos =
            photos.map(|(slot, id)| Photo { slot: Slot::stored(slot), media_id: id.into() });
        Self {
            id: row.product_id,
            version: Version(row.version),
            state: State::stored(&row.state),
            content: Content {
                name: row.name,
                sku: Sku::parse(&row.sku),
                brand: row.brand,
                colour: row.colour,
                garment: Garment::stored(&row.garment),
                description: row.description,
                photos: photos.collect(),
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn patterns_mean_what_was_typed() {
        assert_eq!(super::contains(r" 50%_a\b "), r"%50\%\_a\\b%");
        assert_eq!(super::contains(""), "%%");
    }
}
