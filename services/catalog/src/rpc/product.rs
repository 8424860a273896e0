//! Product RPCs.

use api::sartiq::catalog::v1 as pb;
use api::sartiq::event::v1::event::Payload;
use pg::Page;
use pg::replay::{self, Replay};
use server::Caller;
use types::Mask;
use types::id::{OrganizationId, ProductId};

use crate::batch;
use crate::error::{Error, Result};
use crate::jobs::attach::{Attach, Entity};
use crate::product::{Content, Filter, Product, State, Warning};
use crate::rpc::{event, ids, media};
use crate::{Catalog, SCHEMA, store};

mod wire;

pub(super) async fn create(
    catalog: &Catalog,
    caller: Caller,
    request: pb::CreateProductRequest,
) -> Result<pb::CreateProductResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "CreateProduct", &request.request_id, &request)?;
    // Who asks again is answered even if media is away or has lost the picture since.
    if let Some(reply) = replay.known(&catalog.db).await? {
        return Ok(reply);
    }
    let content = wire::content(request.product.unwrap_or_default())?;
    content.check()?;
    media::check(catalog, &caller, &wire::pictures(&content)).await?;

    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let id = ProductId::generate();
        let product = store::product::insert(&mut *tx, organization, id, &content).await?;
        let warnings = warnings(&mut *tx, organization, &product).await?;
        if !content.photos.is_empty() {
            let job = Attach::new(organization, Entity::Product(id.uuid()));
            catalog.queue.enqueue(&mut *tx, &job).await?;
        }
        let created = event::product(organization, &caller, Payload::ProductCreated, &product);
        catalog.outbox.publish(tx, &[created]).await?;
        Ok::<_, Error>(pb::CreateProductResponse { product: Some(product.into()), warnings })
    })
    .await?;
    catalog.outbox.commit(tx).await?;
    catalog.queue.poke();
    Ok(reply)
}

pub(super) async fn get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::GetProductRequest,
) -> Result<pb::GetProductResponse> {
    let id = request.id.parse()?;
    let found = store::product::find(&catalog.db, caller.organization()?, &[id]).await?;
    Ok(pb::GetProductResponse { product: Some(batch::one(id, found)?.into()) })
}

pub(super) async fn batch_get(
    catalog: &Catalog,
    caller: Caller,
    request: pb::BatchGetProductsRequest,
) -> Result<pb::BatchGetProductsResponse> {
    let ids: Vec<ProductId> = ids(&request.ids)?;
    let found = store::product::find(&catalog.db, caller.organization()?, &ids).await?;
    let products = batch::in_order(&ids, &found, |it| it.id)?;
    Ok(pb::BatchGetProductsResponse { products: products.into_iter().map(Into::into).collect() })
}

pub(super) async fn list(
    catalog: &Catalog,
    caller: Caller,
    request: pb::ListProductsRequest,
) -> Result<pb::ListProductsResponse> {
    let organization = caller.organization()?;
    let filter = Filter { search: request.search, show_archived: request.show_archived };
    let arguments = ("product", organization, &filter);
    let page = Page::parse(request.page_size, &request.page_token, arguments)?;
    let found = store::product::list(&catalog.db, organization, &filter, &page).await?;
    let (products, next_page_token) = page.cut(found, |it| vec![it.id]);
    let products = products.into_iter().map(Into::into).collect();
    Ok(pb::ListProductsResponse { products, next_page_token })
}

pub(super) async fn update(
    catalog: &Catalog,
    caller: Caller,
    request: pb::UpdateProductRequest,
) -> Result<pb::UpdateProductResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "UpdateProduct", &request.request_id, &request)?;
    // As above.
    if let Some(reply) = replay.known(&catalog.db).await? {
        return Ok(reply);
    }
    let id: ProductId = request.id.parse()?;
    let mask = Mask::parse(&request.update_mask.unwrap_or_default().paths, Content::FIELDS)?;
    let new = wire::content(request.product.unwrap_or_default())?;
    if mask.names("photos") {
        media::check(catalog, &caller, &wire::pictures(&new)).await?;
    }

    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let mut product = store::product::lock(&mut *tx, organization, id).await?;
        product.version.check(&request.etag)?;
        let photos = product.content.photos.clone();
        if product.content.apply(new, &mask) {
            product.content.check()?;
            product = store::product::update(&mut *tx, organization, id, &product.content).await?;
            if product.content.photos != photos {
                let job = Attach::new(organization, Entity::Product(id.uuid()));
                catalog.queue.enqueue(&mut *tx, &job).await?;
            }
            let updated = event::product(organization, &caller, Payload::ProductUpdated, &product);
            catalog.outbox.publish(&mut *tx, &[updated]).await?;
        }
        let warnings = warnings(tx, organization, &product).await?;
        Ok::<_, Error>(pb::UpdateProductResponse { product: Some(product.into()), warnings })
    })
    .await?;
    catalog.outbox.commit(tx).await?;
    catalog.queue.poke();
    Ok(reply)
}

pub(super) async fn archive(
    catalog: &Catalog,
    caller: Caller,
    request: pb::ArchiveProductRequest,
) -> Result<pb::ArchiveProductResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "ArchiveProduct", &request.request_id, &request)?;
    let id: ProductId = request.id.parse()?;
    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let product = set_state(&mut *tx, organization, id, State::Archived).await?;
        let archived = event::product(organization, &caller, Payload::ProductArchived, &product);
        catalog.outbox.publish(tx, &[archived]).await?;
        Ok::<_, Error>(pb::ArchiveProductResponse { product: Some(product.into()) })
    })
    .await?;
    catalog.outbox.commit(tx).await?;
    catalog.queue.poke();
    Ok(reply)
}

pub(super) async fn restore(
    catalog: &Catalog,
    caller: Caller,
    request: pb::RestoreProductRequest,
) -> Result<pb::RestoreProductResponse> {
    let organization = caller.organization()?;
    let replay = Replay::of(SCHEMA, organization, "RestoreProduct", &request.request_id, &request)?;
    let id: ProductId = request.id.parse()?;
    let mut tx = catalog.db.begin().await?;
    let reply = replay::once(&mut tx, &replay, async |tx| {
        let product = set_state(&mut *tx, organization, id, State::Active).await?;
        let restored = event::product(organization, &caller, Payload::ProductRestored, &product);
        catalog.outbox.publish(tx, &[restored]).await?;
        Ok::<_, Error>(pb::RestoreProductResponse { product: Some(product.into()) })
    })
    .await?;
    catalog.outbox.commit(tx).await?;
    catalog.queue.poke();
    Ok(reply)
}

async fn set_state(
    tx: &mut store::Transaction,
    organization: OrganizationId,
    id: ProductId,
    next: State,
) -> Result<Product> {
    let product = store::product::lock(&mut *tx, organization, id).await?;
    let next = product.state.become_state(next)?;
    store::product::set_state(tx, organization, id, product.state, next).await
}

async fn warnings(
    tx: &mut store::Transaction,
    organization: OrganizationId,
    product: &Product,
) -> Result<Vec<pb::ProductWarning>> {
    let mut warnings = Vec::new();
    if let Some(other) = store::product::same_name(&mut *tx, organization, product).await? {
        warnings.push(Warning::SameName(other));
    }
    match product.content.front() {
        None => warnings.push(Warning::NoFrontPhoto),
        Some(media) => {
            let other = store::product::same_front(tx, organization, product.id, media).await?;
            warnings.extend(other.map(Warning::SamePhoto));
        }
    }
    Ok(warnings.into_iter().map(Into::into).collect())
}
