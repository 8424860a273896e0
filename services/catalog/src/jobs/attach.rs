//! Tells media which pictures a product or a subject uses, so that they are never deleted.
//!
//! The job is stored in the transaction that writes the pictures, and runs until media has
//! answered: an outage of media after the commit delays the attachment and does not lose it.
//! It carries no pictures but reads what is stored when it runs, and again when media has
//! answered, so that of two jobs for one entity the later state wins in whatever order they end.

use ::jobs::{Attempt, Failure, Job};
use api::sartiq::media::v1::{SetAttachmentsRequest, SlottedMedia};
use serde::{Deserialize, Serialize};
use server::Caller;
use types::id::{OrganizationId, ProductId, SubjectId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::{Catalog, store};

/// The job.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Attach {
    organization_id: Uuid,
    entity: Entity,
}

/// What uses the pictures.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum Entity {
    Product(Uuid),
    Subject(Uuid),
}

impl Attach {
    /// Returns the job that attaches the pictures of `entity`.
    pub(crate) fn new(organization: OrganizationId, entity: Entity) -> Self {
        Self { organization_id: organization.uuid(), entity }
    }

    async fn attach(&self, catalog: &Catalog) -> Result<()> {
        let mut media = catalog.media.clone();
        let mut wanted = self.wanted(catalog).await?;
        loop {
            let request = SetAttachmentsRequest {
                entity_type: self.entity.word().to_owned(),
                entity_id: self.entity.id().to_string(),
                media: wanted.clone(),
            };
            let caller = Caller::background(self.organization_id.into());
            media.set_attachments(caller.call(request)).await.map_err(Error::of_media)?;
            let now = self.wanted(catalog).await?;
            if now == wanted {
                return Ok(());
            }
            wanted = now;
        }
    }

    /// Reads the pictures that the entity uses.
    async fn wanted(&self, catalog: &Catalog) -> Result<Vec<SlottedMedia>> {
        let organization = self.organization_id.into();
        match self.entity {
            Entity::Product(id) => {
                let found =
                    store::product::find(&catalog.db, organization, &[ProductId::from(id)]).await?;
                let photos = found.into_iter().flat_map(|it| it.content.photos);
                let slotted = photos.map(|it| slotted(it.media_id, it.slot.as_str()));
                Ok(slotted.collect())
            }
            Entity::Subject(id) => {
                let found =
                    store::subject::find(&catalog.db, organization, &[SubjectId::from(id)]).await?;
                let portraits = found.into_iter().filter_map(|it| it.content.portrait);
                Ok(portraits.map(|it| slotted(it, "portrait")).collect())
            }
        }
    }
}

impl Job for Attach {
    const NAME: &'static str = "attach";
    // Weeks: what is not attached may be deleted.
    const ATTEMPTS: u32 = 1000;
    type State = Catalog;

    async fn run(&self, catalog: &Catalog, _: &Attempt) -> Result<(), Failure> {
        Ok(self.attach(catalog).await?)
    }
}

impl Entity {
    /// Returns what media calls it.
    fn word(self) -> &'static str {
        match self {
            Self::Product(_) => "product",
            Self::Subject(_) => "subject",
        }
    }

    fn id(self) -> Uuid {
        match self {
            Self::Product(id) | Self::Subject(id) => id,
        }
    }
}

fn slotted(media_id: impl Into<String>, slot: &str) -> SlottedMedia {
    SlottedMedia { media_id: media_id.into(), slot: slot.to_owned() }
}
