//! Reading what is there.

use std::time::{Duration, SystemTime};

use api::sartiq::media::v1::{
    self as pb, BatchGetMediaRequest, GetMediaRequest, ListAttachmentsRequest, ListMediaRequest,
    SetAttachmentsRequest, SignUrlsRequest, SlottedMedia, UrlRequest,
};
use pixels::Limits;
use sqlx::PgPool;
use testkit::reason;
use tonic::Code;
use types::id::{MediaId, OrganizationId};

use crate::stage::{Result, Stage, photo};

const PHOTOS: [&str; 3] = ["astronaut.png", "coffee.png", "chelsea.png"];

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn pages_go_from_the_newest_to_the_oldest(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut ids = Vec::new();
    for name in PHOTOS {
        ids.push(stage.bring(name, "image/png", &photo(name)?).await?.id);
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut request = ListMediaRequest { page_size: 2, ..ListMediaRequest::default() };
    loop {
        let page = stage.media().list_media(request.clone()).await?.into_inner();
        seen.extend(page.media.into_iter().map(|it| it.id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, ids);

    let generated = ListMediaRequest { origin: pb::media::Origin::Generated.into(), ..request };
    let status = stage.media().list_media(generated.clone()).await.err().ok_or("torn list")?;
    assert_eq!(reason(&status), "PAGE_TOKEN_INVALID");
    let generated = ListMediaRequest { page_token: String::new(), ..generated };
    assert!(stage.media().list_media(generated).await?.into_inner().media.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn a_batch_is_whole_and_in_order(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let a = stage.bring("a.png", "image/png", &photo("coffee.png")?).await?;
    let b = stage.bring("b.png", "image/png", &photo("chelsea.png")?).await?;
    let ids = vec![b.id.clone(), a.id.clone(), b.id.clone()];
    let request = BatchGetMediaRequest { ids };
    let media = stage.media().batch_get_media(request).await?.into_inner().media;
    assert_eq!(media, [b, a.clone(), media[0].clone()]);

    let missing = MediaId::generate().to_string();
    let request = BatchGetMediaRequest { ids: vec![a.id, missing.clone()] };
    let status = stage.media().batch_get_media(request).await.err().ok_or("found")?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "MEDIA_NOT_FOUND"));
    assert_eq!(testkit::metadata(&status).get("ids"), Some(&missing));
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn signed_urls_show_the_file_and_its_renditions(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let bytes = photo("astronaut.png")?;
    let media = stage.bring("suit.png", "image/png", &bytes).await?;
    let wanted = |long_edge_px, name: &str| UrlRequest {
        media_id: media.id.clone(),
        long_edge_px,
        download_filename: name.to_owned(),
    };
    let urls =
        vec![wanted(0, "Anzug \"1\".png"), wanted(256, ""), wanted(512, ""), wanted(1280, "")];
    let request = SignUrlsRequest { urls };
    let signed = stage.media().sign_urls(request.clone()).await?.into_inner().urls;
    assert_eq!(signed.len(), 4);

    let file = stage.http.get(&signed[0].url).send().await?.error_for_status()?;
    let header = |name: &str| file.headers().get(name).and_then(|it| it.to_str().ok());
    assert_eq!(header("content-type"), Some("image/png"));
    assert!(header("cache-control").is_some_and(|it| it.contains("immutable")));
    let disposition =
        "attachment; filename=\"Anzug _1_.png\"; filename*=UTF-8''Anzug%20%221%22.png";
    assert_eq!(header("content-disposition"), Some(disposition));
    assert_eq!(file.bytes().await?, bytes);

    for (signed, rendition) in signed[1..].iter().zip(&media.renditions) {
        let answer = stage.http.get(&signed.url).send().await?.error_for_status()?;
        assert!(answer.headers().get("content-disposition").is_none());
        let bytes = answer.bytes().await?;
        assert_eq!(bytes.len() as i64, rendition.size_bytes);
        let picture = pixels::decode(&bytes, &Limits::default())?;
        let size = (picture.width() as i32, picture.height() as i32);
        assert_eq!(size, (rendition.width_px, rendition.height_px));
    }

    let until = signed[0].expire_time.ok_or("no time")?.seconds;
    let now = SystemTime::UNIX_EPOCH.elapsed()?;
    assert!((now + Duration::from_secs(299)).as_secs() <= until.unsigned_abs());
    Ok(())
}

#[sqlx::test(migrator = "media::MIGRATIONS")]
async fn strangers_see_no_media(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let media = stage.bring("a.png", "image/png", &photo("coffee.png")?).await?;
    let organization = OrganizationId::generate();
    let mut stranger = stage.media_of(organization);
    let url = UrlRequest { media_id: media.id.clone(), ..UrlRequest::default() };
    let slotted = SlottedMedia { media_id: media.id.clone(), slot: "front".to_owned() };
    let attach = SetAttachmentsRequest {
        entity_type: "product".to_owned(),
        entity_id: MediaId::generate().to_string(),
        media: vec![slotted],
    };
    let id = media.id;
    let answers = [
        stranger.get_media(GetMediaRequest { id: id.clone() }).await.err(),
        stranger.batch_get_media(BatchGetMediaRequest { ids: vec![id.clone()] }).await.err(),
        stranger.sign_urls(SignUrlsRequest { urls: vec![url] }).await.err(),
        stranger.list_attachments(ListAttachmentsRequest { media_id: id }).await.err(),
        stage.services_of(organization).set_attachments(attach).await.err(),
    ];
    for status in answers {
        let status = status.ok_or("a stranger got in")?;
        assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "MEDIA_NOT_FOUND"));
    }
    let listed = stranger.list_media(ListMediaRequest::default()).await?.into_inner().media;
    assert!(listed.is_empty());
    Ok(())
}
