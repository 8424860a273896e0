//! Follows the events of generation.

use api::sartiq::event::v1::Event;
use api::sartiq::event::v1::event::Payload;
use events::{Handler, HandlerError};
use server::Caller;
use types::id::{GenerationId, OrganizationId, ParseIdError, PredictionId, ShotId};

use crate::error::{Error, Result};
use crate::rpc::change::Change;
use crate::shot::Purpose;
use crate::{Studio, store};

/// Tells shots what generation says of them.
#[derive(Clone, Debug)]
pub(crate) struct Follower(pub(crate) Studio);

/// What an event says of a shot.
#[derive(Debug)]
struct News {
    organization: OrganizationId,
    shot: ShotId,
    what: What,
}

#[derive(Debug)]
enum What {
    Started(GenerationId, Purpose),
    Ready(GenerationId, PredictionId),
    Ended(GenerationId),
}

impl Handler for Follower {
    async fn handle(&self, tx: &mut store::Transaction, event: &Event) -> Result<(), HandlerError> {
        let news = match read(event) {
            Ok(Some(news)) => news,
            Ok(None) => return Ok(()),
            // It will never be anything else; waiting for that would stop all that follows.
            Err(error) => {
                tracing::error!(event.id, event.position, %error, "event is malformed");
                return Ok(());
            }
        };
        let caller = Caller {
            user_id: event.user_id.parse().ok(),
            request_id: event.request_id.clone(),
            ..Caller::background(news.organization)
        };
        Ok(self.apply(tx, &caller, news).await?)
    }
}

impl Follower {
    async fn apply(&self, tx: &mut store::Transaction, caller: &Caller, news: News) -> Result<()> {
        let organization = news.organization;
        let mut change = Change { studio: &self.0, tx, caller, organization };
        let shot = match change.open(news.shot).await {
            Ok((_, shot)) => shot,
            // It was removed before anything was generated for it that we heard of.
            Err(Error::NotFound(..)) => return Ok(()),
            Err(error) => return Err(error),
        };
        match news.what {
            What::Started(id, purpose) => change.started(shot, id, purpose).await?,
            What::Ready(generation, id) => change.ready(shot, generation, id).await?,
            What::Ended(id) => change.ended(shot, id).await?,
        };
        Ok(())
    }
}

/// Reads what concerns shots. None if the event does not.
fn read(event: &Event) -> Result<Option<News>, ParseIdError> {
    let (shot, what) = match &event.payload {
        Some(Payload::GenerationStarted(it)) => {
            let purpose = Purpose::of(it.revision);
            (&it.shot_id, What::Started(it.generation_id.parse()?, purpose))
        }
        Some(Payload::PredictionReady(it)) => {
            (&it.shot_id, What::Ready(it.generation_id.parse()?, it.prediction_id.parse()?))
        }
        Some(
            Payload::GenerationCompleted(it)
            | Payload::GenerationFailed(it)
            | Payload::GenerationCancelled(it),
        ) => (&it.shot_id, What::Ended(it.generation_id.parse()?)),
        _ => return Ok(None),
    };
    let organization = event.organization_id.parse()?;
    Ok(Some(News { organization, shot: shot.parse()?, what }))
}
