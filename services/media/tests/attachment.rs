//! What media are used for.

use api::sartiq::media::v1::{
    GetMediaRequest, ListAttachmentsRequest, SetAttachmentsRequest, SlottedMedia,
};
use sqlx::PgPool;
use testkit::reason;
use types::id::{MediaId, ProductId};

use crate::stage::{Result, Stage, photo};

fn request(product: ProductId, media: &[(&str, &str)]) -> SetAttachmentsRequest {
    let slotted = |&(media_id, slot): &(&str, &str)| SlottedMedia {
        media_id: media_id.to_owned(),
        slot: slot.to_owned(),
    };
    SetAttachmentsRequest {
        entity_type: "product".to_owned(),
        entity_id: product.to_string(),
        media: media.iter().map(slotted).collect(),
    }
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn setting_replaces_what_an_entity_has(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let a = stage.bring("a.png", "image/png", &photo("coffee.png")?).await?.id;
    let b = stage.bring("b.png", "image/png", &photo("chelsea.png")?).await?.id;
    let mut services = stage.services_of(stage.organization);
    let (product, other) = (ProductId::generate(), ProductId::generate());
    let count = async |id: &str| {
        let request = GetMediaRequest { id: id.to_owned() };
        let media = stage.media().get_media(request).await?.into_inner().media;
        Ok::<_, tonic::Status>(media.map(|it| it.attachment_count))
    };

    let first = request(product, &[(&a, "front"), (&b, "back"), (&a, "front")]);
    let first = services.set_attachments(first).await?.into_inner().attachments;
    let slots: Vec<_> = first.iter().map(|it| (&*it.media_id, &*it.slot)).collect();
    assert_eq!(slots, [(&*a, "front"), (&*b, "back")]);
    services.set_attachments(request(other, &[(&a, "detail")])).await?;
    assert_eq!(count(&a).await?, Some(2));
    assert_eq!(count(&b).await?, Some(1));

    // What stays attached stays the same attachment.
    let second = request(product, &[(&b, "front"), (&a, "front")]);
    let second = services.set_attachments(second).await?.into_inner().attachments;
    assert_eq!(second.len(), 2);
    assert_eq!(second[1], first[0]);
    let listed = ListAttachmentsRequest { media_id: a.clone() };
    let listed = stage.media().list_attachments(listed).await?.into_inner().attachments;
    let entities: Vec<_> = listed.iter().map(|it| it.entity_id.clone()).collect();
    assert_eq!(entities, [product.to_string(), other.to_string()]);

    services.set_attachments(request(product, &[])).await?;
    assert_eq!((count(&a).await?, count(&b).await?), (Some(1), Some(0)));
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn nothing_is_attached_unless_all_of_it_exists(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let a = stage.bring("a.png", "image/png", &photo("coffee.png")?).await?.id;
    let missing = MediaId::generate().to_string();
    let product = ProductId::generate();
    let both = request(product, &[(&a, "front"), (&missing, "back")]);
    let status = stage.services_of(stage.organization).set_attachments(both).await;
    assert_eq!(reason(&status.err().ok_or("attached")?), "MEDIA_NOT_FOUND");
    let listed = ListAttachmentsRequest { media_id: a };
    let listed = stage.media().list_attachments(listed).await?.into_inner().attachments;
    assert!(listed.is_empty());
    Ok(())
}
