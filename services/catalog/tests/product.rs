//! Products.

use api::sartiq::catalog::v1::product::State;
use api::sartiq::catalog::v1::product_photo::Slot;
use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::product_warning::Kind;
use api::sartiq::catalog::v1::*;
use api::sartiq::event::v1::event::Payload;
use prost_types::FieldMask;
use server::Role;
use sqlx::PgPool;
use testkit::{Client, request_id};
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{Result, Stage, refusal};

fn tote() -> ProductInput {
    ProductInput { name: "Tote".into(), sku: "to-01.a".into(), ..Default::default() }
}

fn photo(slot: Slot, media_id: &str) -> ProductPhoto {
    ProductPhoto { slot: slot.into(), media_id: media_id.to_owned() }
}

fn creation(product: ProductInput) -> CreateProductRequest {
    CreateProductRequest { request_id: request_id(), product: Some(product) }
}

async fn create(
    products: &mut ProductServiceClient<Client>,
    input: ProductInput,
) -> Result<Product> {
    let reply = products.create_product(creation(input)).await?.into_inner();
    Ok(reply.product.ok_or("no product")?)
}

fn update(of: &Product, product: ProductInput, paths: &[&str]) -> UpdateProductRequest {
    UpdateProductRequest {
        request_id: request_id(),
        id: of.id.clone(),
        etag: of.etag.clone(),
        product: Some(product),
        update_mask: Some(FieldMask { paths: paths.iter().map(ToString::to_string).collect() }),
    }
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn a_created_product_can_be_read_back(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let front = stage.media.picture(stage.organization);
    let input = ProductInput {
        brand: " Acme ".into(),
        colour: "sand".into(),
        garment_kind: GarmentKind::Accessory.into(),
        description: "canvas".into(),
        photos: vec![photo(Slot::Front, &front)],
        ..tote()
    };
    let created = create(&mut products, input).await?;
    assert_eq!((created.brand.as_str(), created.sku.as_str()), ("Acme", "to-01.a"));
    assert_eq!((created.state(), created.etag.as_str()), (State::Active, "\"1\""));
    assert_eq!(created.photos, [photo(Slot::Front, &front)]);
    assert!(created.create_time.is_some() && created.update_time.is_some());
    let request = GetProductRequest { id: created.id.clone() };
    let mut viewer = ProductServiceClient::new(stage.role(Role::Viewer));
    let read = viewer.get_product(request).await?.into_inner().product;
    assert_eq!(read, Some(created.clone()));
    let told = stage.told().await?;
    let [Payload::ProductCreated(event)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&event.product_id, event.name.as_str()), (&created.id, "Tote"));
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn skus_are_unique_whatever_their_punctuation(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let first = create(&mut products, tote()).await?;
    let input = ProductInput { sku: " TO 01_A".into(), ..tote() };
    let status = refusal(products.create_product(creation(input.clone())).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::AlreadyExists, "SKU_TAKEN")
    );
    assert_eq!(testkit::fields(&status), ["product.sku"]);

    // Another organization has SKUs of its own; unknown ones are no SKUs.
    let mut others = ProductServiceClient::new(stage.editor_of(OrganizationId::generate()));
    create(&mut others, input).await?;
    let unknown = || ProductInput { sku: String::new(), ..tote() };
    create(&mut products, unknown()).await?;
    let second = create(&mut products, unknown()).await?;

    let status = refusal(products.update_product(update(&second, tote(), &["sku"])).await)?;
    assert_eq!(testkit::reason(&status), "SKU_TAKEN");
    // Its own SKU is not taken.
    products.update_product(update(&first, tote(), &["*"])).await?;
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn likely_mistakes_are_warned_of(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let front = vec![photo(Slot::Front, &stage.media.picture(stage.organization))];
    let first = creation(ProductInput { photos: front.clone(), ..tote() });
    let first = products.create_product(first).await?.into_inner();
    assert_eq!(first.warnings, []);
    let first = first.product.ok_or("no product")?;

    let input = ProductInput { name: "TOTE".into(), sku: String::new(), ..Default::default() };
    let second = products.create_product(creation(input)).await?.into_inner();
    let warned = |it: &ProductWarning| (it.kind(), it.product_id.clone());
    assert_eq!(
        second.warnings.iter().map(warned).collect::<Vec<_>>(),
        [(Kind::SameName, first.id.clone()), (Kind::NoFrontPhoto, String::new())]
    );

    let input = ProductInput { name: "Bag".into(), photos: front, ..Default::default() };
    let second = second.product.ok_or("no product")?;
    let third = products.update_product(update(&second, input, &["name", "photos"])).await?;
    let warnings = third.into_inner().warnings;
    assert_eq!(warnings.iter().map(warned).collect::<Vec<_>>(), [(Kind::SamePhoto, first.id)]);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn nothing_is_written_where_a_photo_is_unknown(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let known = stage.media.picture(stage.organization);
    let foreign = stage.media.picture(OrganizationId::generate());
    let photos = vec![photo(Slot::Front, &known), photo(Slot::Back, &foreign)];
    let input = ProductInput { photos, ..tote() };
    let status = refusal(products.create_product(creation(input)).await)?;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(testkit::reason(&status), "FIELD_INVALID");
    assert_eq!(testkit::fields(&status), ["product.photos[1].media_id"]);

    let film = stage.media.film(stage.organization);
    let input = ProductInput { photos: vec![photo(Slot::Front, &film)], ..tote() };
    let status = refusal(products.create_product(creation(input)).await)?;
    assert_eq!(testkit::fields(&status), ["product.photos[0].media_id"]);

    let listed = products.list_products(ListProductsRequest::default()).await?.into_inner();
    assert_eq!(listed.products, []);
    assert_eq!(stage.told().await?, []);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn photos_are_attached_as_they_change(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let (front, back) =
        (stage.media.picture(stage.organization), stage.media.picture(stage.organization));
    let input = ProductInput { photos: vec![photo(Slot::Front, &front)], ..tote() };
    let product = create(&mut products, input).await?;
    let attached = || stage.media.attached("product", &product.id);
    testkit::eventually(async || Ok::<_, String>(attached() == [("front".into(), front.clone())]))
        .await?;

    let photos = vec![photo(Slot::Back, &back), photo(Slot::Front, &front)];
    let change = update(&product, ProductInput { photos, ..tote() }, &["photos"]);
    let updated =
        products.update_product(change).await?.into_inner().product.ok_or("no product")?;
    let both = [("back".into(), back), ("front".into(), front)];
    testkit::eventually(async || Ok::<_, String>(attached() == both)).await?;

    let change = update(&updated, ProductInput::default(), &["photos"]);
    products.update_product(change).await?;
    testkit::eventually(async || Ok::<_, String>(attached().is_empty())).await?;
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn attachments_outlive_an_outage_of_media(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let front = stage.media.picture(stage.organization);
    stage.media.set_deaf(true);
    let input = ProductInput { photos: vec![photo(Slot::Front, &front)], ..tote() };
    let product = create(&mut products, input).await?;
    let worn = stage.media.picture(stage.organization);
    let photos = vec![photo(Slot::Worn, &worn)];
    let change = update(&product, ProductInput { photos, ..tote() }, &["photos"]);
    products.update_product(change).await?;
    assert!(stage.media.attached("product", &product.id).is_empty());
    stage.media.set_deaf(false);
    // Of both changes, the later one is what is attached in the end.
    let wanted = [("worn".to_owned(), worn)];
    let attached = || stage.media.attached("product", &product.id);
    testkit::eventually(async || Ok::<_, String>(attached() == wanted)).await?;
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn without_media_no_photo_is_taken_and_what_was_taken_stays(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let front = stage.media.picture(stage.organization);
    let request = creation(ProductInput { photos: vec![photo(Slot::Front, &front)], ..tote() });
    let first = products.create_product(request.clone()).await?.into_inner();

    stage.media.set_away(true);
    // The same request again is answered from memory.
    assert_eq!(products.create_product(request.clone()).await?.into_inner(), first);
    let again = CreateProductRequest { request_id: request_id(), ..request };
    let status = refusal(products.create_product(again).await)?;
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(testkit::reason(&status), "MEDIA_UNAVAILABLE");
    create(&mut products, ProductInput { name: "Bag".into(), ..Default::default() }).await?;
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn each_slot_but_the_detail_is_used_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let picture = || stage.media.picture(stage.organization);
    let details = vec![photo(Slot::Detail, &picture()), photo(Slot::Detail, &picture())];
    let product = create(&mut products, ProductInput { photos: details, ..tote() }).await?;
    let photos = vec![photo(Slot::Front, &picture()), photo(Slot::Front, &picture())];
    let change = update(&product, ProductInput { photos, ..tote() }, &["photos"]);
    let status = refusal(products.update_product(change).await)?;
    assert_eq!(testkit::fields(&status), ["product.photos[1].slot"]);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn only_what_the_mask_names_is_written(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let product = create(&mut products, tote()).await?;
    let input = ProductInput { name: "Bag".into(), colour: "red".into(), ..Default::default() };
    let request = update(&product, input.clone(), &["colour"]);
    let updated = products.update_product(request).await?.into_inner().product.ok_or("none")?;
    assert_eq!((updated.name.as_str(), updated.colour.as_str()), ("Tote", "red"));
    assert_eq!(updated.etag, "\"2\"");
    assert!(matches!(stage.told().await?[..], [_, Payload::ProductUpdated(_)]));

    let status =
        refusal(products.update_product(update(&updated, input.clone(), &["price"])).await)?;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("`price`"), "{}", status.message());

    // What was read before somebody else wrote is refused.
    let status = refusal(products.update_product(update(&product, input, &["name"])).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );

    // `*` writes everything, so what is missing is missed.
    let nameless = ProductInput::default();
    let status = refusal(products.update_product(update(&updated, nameless, &["*"])).await)?;
    assert_eq!(testkit::fields(&status), ["product.name"]);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn a_name_is_required(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let input = ProductInput { name: "  ".into(), ..Default::default() };
    let status = refusal(stage.products().create_product(creation(input)).await)?;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(testkit::fields(&status), ["product.name"]);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn an_archived_product_is_hidden_until_restored(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let id = create(&mut products, tote()).await?.id;
    let archive = || ArchiveProductRequest { request_id: request_id(), id: id.clone() };
    let restore = || RestoreProductRequest { request_id: request_id(), id: id.clone() };
    let archived = products.archive_product(archive()).await?.into_inner().product;
    assert_eq!(archived.map(|it| it.state()), Some(State::Archived));
    let status = refusal(products.archive_product(archive()).await)?;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(testkit::reason(&status), "STATE_CONFLICT");

    let mut shown = async |show_archived| -> Result<usize> {
        let request = ListProductsRequest { show_archived, ..Default::default() };
        Ok(products.list_products(request).await?.into_inner().products.len())
    };
    assert_eq!((shown(false).await?, shown(true).await?), (0, 1));
    let restored = products.restore_product(restore()).await?.into_inner().product;
    assert_eq!(restored.map(|it| it.state()), Some(State::Active));
    assert!(refusal(products.restore_product(restore()).await).is_ok());
    let told = stage.told().await?;
    assert!(
        matches!(told[1..], [Payload::ProductArchived(_), Payload::ProductRestored(_)]),
        "{told:?}"
    );
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn lists_are_paged_and_searched(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    for (name, sku) in [("Tote", "TO-01"), ("Shirt", "SH-01"), ("50% wool", "wo_1")] {
        let input = ProductInput { name: name.into(), sku: sku.into(), ..Default::default() };
        create(&mut products, input).await?;
    }
    let mut token = String::new();
    let mut names = Vec::new();
    loop {
        let request = ListProductsRequest { page_size: 2, page_token: token, ..Default::default() };
        let reply = products.list_products(request).await?.into_inner();
        names.extend(reply.products.into_iter().map(|it| it.name));
        token = reply.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["50% wool", "Shirt", "Tote"]);

    let mut found = async |search: &str| -> Result<Vec<String>> {
        let request = ListProductsRequest { search: search.into(), ..Default::default() };
        let reply = products.list_products(request).await?.into_inner();
        Ok(reply.products.into_iter().map(|it| it.name).collect())
    };
    assert_eq!(found("tOt").await?, ["Tote"]);
    assert_eq!(found("-01").await?, ["Shirt", "Tote"]);
    assert_eq!(found("sh01").await?, ["Shirt"]);
    assert_eq!(found("%").await?, ["50% wool"]);
    assert_eq!(found("hat").await?, Vec::<String>::new());

    let request = ListProductsRequest { page_size: 1, ..Default::default() };
    let page_token = products.list_products(request).await?.into_inner().next_page_token;
    let request = ListProductsRequest { page_token, search: "t".into(), ..Default::default() };
    let status = refusal(products.list_products(request).await)?;
    assert_eq!(testkit::reason(&status), "PAGE_TOKEN_INVALID");
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn batches_keep_their_order_or_name_what_is_missing(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let a = create(&mut products, tote()).await?.id;
    let b = create(&mut products, ProductInput { sku: String::new(), ..tote() }).await?.id;
    let ids = vec![b.clone(), a.clone(), b.clone()];
    let reply = products.batch_get_products(BatchGetProductsRequest { ids: ids.clone() }).await?;
    let got: Vec<_> = reply.into_inner().products.into_iter().map(|it| it.id).collect();
    assert_eq!(got, ids);

    let mut others = ProductServiceClient::new(stage.editor_of(OrganizationId::generate()));
    let status = refusal(others.batch_get_products(BatchGetProductsRequest { ids }).await)?;
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(testkit::reason(&status), "PRODUCT_NOT_FOUND");
    assert!(status.message().contains(&a) && status.message().contains(&b));
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn strangers_find_nothing(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let product = create(&mut stage.products(), tote()).await?;
    let mut others = ProductServiceClient::new(stage.editor_of(OrganizationId::generate()));
    let id = product.id.clone();
    let status = refusal(others.get_product(GetProductRequest { id: id.clone() }).await)?;
    assert_eq!(status.code(), Code::NotFound);
    let status = refusal(others.update_product(update(&product, tote(), &["name"])).await)?;
    assert_eq!(status.code(), Code::NotFound);
    let request = ArchiveProductRequest { request_id: request_id(), id };
    assert_eq!(refusal(others.archive_product(request).await)?.code(), Code::NotFound);
    let listed = others.list_products(ListProductsRequest::default()).await?.into_inner();
    assert_eq!(listed.products, []);

    let mut viewer = ProductServiceClient::new(stage.role(Role::Viewer));
    let status = refusal(viewer.create_product(creation(tote())).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    Ok(())
}

#[sqlx::test(migrator = "catalog::MIGRATIONS")]
async fn a_request_happens_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut products = stage.products();
    let request = creation(tote());
    let first = products.create_product(request.clone()).await?.into_inner();
    assert_eq!(products.create_product(request.clone()).await?.into_inner(), first);
    let other = CreateProductRequest {
        product: Some(ProductInput { name: "Bag".into(), ..Default::default() }),
        ..request
    };
    let status = refusal(products.create_product(other).await)?;
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(testkit::reason(&status), "REQUEST_ID_REUSED");
    assert_eq!(stage.told().await?.len(), 1);
    Ok(())
}
