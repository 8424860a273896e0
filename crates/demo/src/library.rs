//! What a shooting needs before it can begin: a subject, a style, a guideline, products.

use anyhow::{Context, Result};
use api::sartiq::catalog::v1::guideline_service_client::GuidelineServiceClient;
use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::shot_type_service_client::ShotTypeServiceClient;
use api::sartiq::catalog::v1::style_service_client::StyleServiceClient;
use api::sartiq::catalog::v1::subject_service_client::SubjectServiceClient;
use api::sartiq::catalog::v1::*;

use crate::client::{Client, request_id};

/// The ids of what a look is made of, but for its product.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) subject_id: String,
    pub(crate) style_id: String,
    pub(crate) guideline_id: String,
    pub(crate) shot_types: Vec<ShotType>,
}

impl Library {
    /// Finds the demo's library, and makes what of it is missing.
    pub(crate) async fn find_or_make(client: &Client, portrait: Option<String>) -> Result<Self> {
        Ok(Self {
            subject_id: subject(client, portrait).await?,
            style_id: style(client).await?,
            guideline_id: guideline(client).await?,
            shot_types: shot_types(client).await?,
        })
    }
}

async fn subject(client: &Client, portrait: Option<String>) -> Result<String> {
    let mut subjects = SubjectServiceClient::new(client.signed.clone());
    let known = subjects.list_subjects(ListSubjectsRequest::default()).await?.into_inner().subjects;
    // A portrait of one's own is a subject of its own.
    let handle = match &portrait {
        Some(media_id) => format!("model-{}", media_id.chars().rev().take(8).collect::<String>()),
        None => "mara".to_owned(),
    };
    if let Some(subject) = known.into_iter().find(|it| it.handle == handle) {
        return Ok(subject.id);
    }
    let subject = SubjectInput {
        handle,
        name: "Mara".to_owned(),
        description: "a woman in her thirties with short dark hair and a calm look".to_owned(),
        portrait_media_id: portrait.unwrap_or_default(),
    };
    let request = CreateSubjectRequest { request_id: request_id(), subject: Some(subject) };
    let created = subjects.create_subject(request).await?.into_inner().subject;
    Ok(created.context("the mesh made no subject")?.id)
}

async fn style(client: &Client) -> Result<String> {
    const NAME: &str = "Soft daylight";
    let mut styles = StyleServiceClient::new(client.signed.clone());
    let known = styles.list_styles(ListStylesRequest::default()).await?.into_inner().styles;
    if let Some(style) = known.into_iter().find(|it| it.name == NAME) {
        return Ok(style.id);
    }
    let style = StyleInput {
        name: NAME.to_owned(),
        prompt: "clean editorial look, natural skin, 85 mm lens".to_owned(),
        negative_prompt: "text, watermark, extra fingers".to_owned(),
        background: "plain warm grey".to_owned(),
        light: "soft daylight from the left".to_owned(),
    };
    let request = CreateStyleRequest { request_id: request_id(), style: Some(style) };
    let created = styles.create_style(request).await?.into_inner().style;
    Ok(created.context("the mesh made no style")?.id)
}

async fn guideline(client: &Client) -> Result<String> {
    const NAME: &str = "House rules";
    let mut guidelines = GuidelineServiceClient::new(client.signed.clone());
    let request = ListGuidelinesRequest::default();
    let known = guidelines.list_guidelines(request).await?.into_inner().guidelines;
    if let Some(guideline) = known.into_iter().find(|it| it.name == NAME) {
        return Ok(guideline.id);
    }
    let guideline = GuidelineInput {
        name: NAME.to_owned(),
        rules: vec![
            "The garment is fully visible and not covered by hands or hair".to_owned(),
            "No jewellery and no other brands".to_owned(),
        ],
    };
    let request = CreateGuidelineRequest { request_id: request_id(), guideline: Some(guideline) };
    let created = guidelines.create_guideline(request).await?.into_inner().guideline;
    Ok(created.context("the mesh made no guideline")?.id)
}

async fn shot_types(client: &Client) -> Result<Vec<ShotType>> {
    let mut shot_types = ShotTypeServiceClient::new(client.signed.clone());
    let known = shot_types.list_shot_types(ListShotTypesRequest::default()).await?;
    Ok(known.into_inner().shot_types.into_iter().filter(|it| it.system).collect())
}

/// Makes a product of a photo.
pub(crate) async fn product(client: &Client, name: &str, photo: String) -> Result<Product> {
    let photo = ProductPhoto { slot: product_photo::Slot::Front.into(), media_id: photo };
    let product = ProductInput {
        name: name.to_owned(),
        garment_kind: GarmentKind::Upper.into(),
        photos: vec![photo],
        ..ProductInput::default()
    };
    let request = CreateProductRequest { request_id: request_id(), product: Some(product) };
    let mut products = ProductServiceClient::new(client.signed.clone());
    let created = products.create_product(request).await?.into_inner().product;
    created.context("the mesh made no product")
}
