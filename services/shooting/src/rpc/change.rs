//! What happens to a shot or a look, and what follows from it: states, and the events.

use api::sartiq::event::v1::LookChanged;
use api::sartiq::event::v1::event::Payload;
use events::Draft;
use server::Caller;
use types::id::{GenerationId, OrganizationId, PredictionId, ShootingId, ShotId};

use crate::error::Result;
use crate::look::Look;
use crate::rpc::event;
use crate::shooting::{Shooting, State};
use crate::shot::{Cause, Purpose, Shot};
use crate::{Studio, store};

/// A change in the making: who causes it, in which transaction.
pub(crate) struct Change<'a> {
    pub(crate) studio: &'a Studio,
    pub(crate) tx: &'a mut store::Transaction,
    pub(crate) caller: &'a Caller,
    pub(crate) organization: OrganizationId,
}

impl Change<'_> {
    /// Reads a shot and its shooting, which nobody else changes until the transaction ends.
    pub(crate) async fn open(&mut self, id: ShotId) -> Result<(Shooting, Shot)> {
        let shot = store::shot::find_one(&mut *self.tx, self.organization, id).await?;
        let shooting =
            store::shooting::lock_one(&mut *self.tx, self.organization, shot.shooting_id).await?;
        // Again, for it may have changed before the lock was held.
        let shot = store::shot::find_one(&mut *self.tx, self.organization, id).await?;
        Ok((shooting, shot))
    }

    /// A generation of `shot` started. Said again, it changes nothing.
    pub(crate) async fn started(
        &mut self,
        shot: Shot,
        generation: GenerationId,
        purpose: Purpose,
    ) -> Result<Shot> {
        let organization = self.organization;
        if !store::generation::start(&mut *self.tx, organization, shot.id, generation, purpose)
            .await?
        {
            return Ok(shot);
        }
        let shot = Shot { generation_id: Some(generation), ..shot };
        self.happen(shot, Cause::Started(purpose)).await
    }

    /// A picture of `shot` is ready. Said again, it changes nothing.
    pub(crate) async fn ready(
        &mut self,
        shot: Shot,
        generation: GenerationId,
        prediction: PredictionId,
    ) -> Result<Shot> {
        let organization = self.organization;
        let ready = [(prediction, shot.id)];
        if store::prediction::insert(&mut *self.tx, organization, &ready).await?.is_empty() {
            return Ok(shot);
        }
        let revisions =
            store::generation::find_revisions(&mut *self.tx, organization, &[generation]).await?;
        self.happen(shot, Cause::Ready(Purpose::of(!revisions.is_empty()))).await
    }

    /// A generation of `shot` ended. Said again, it changes nothing.
    pub(crate) async fn ended(&mut self, shot: Shot, generation: GenerationId) -> Result<Shot> {
        let organization = self.organization;
        if !store::generation::end(&mut *self.tx, organization, shot.id, generation).await? {
            return Ok(shot);
        }
        let generation_id = shot.generation_id.or(Some(generation));
        self.happen(Shot { generation_id, ..shot }, Cause::Ended).await
    }

    /// Counts in that `cause` happened to `shot`, writes it and tells what changed.
    async fn happen(&mut self, mut shot: Shot, cause: Cause) -> Result<Shot> {
        let (organization, before) = (self.organization, shot.state);
        let facts = store::prediction::facts(&mut *self.tx, organization, &[shot.id]).await?;
        shot.happen(cause, facts.get(&shot.id).copied().unwrap_or_default())?;
        let written = store::shot::update(&mut *self.tx, organization, &[&shot]).await?;
        let shot = written.into_iter().next().unwrap_or(shot);
        if shot.state != before {
            self.tell(event::shot_changed(before, &shot)).await?;
            self.refresh(shot.shooting_id).await?;
        }
        Ok(shot)
    }

    /// Gives a shooting the state that follows from its shots, unless it is archived.
    pub(crate) async fn refresh(&mut self, id: ShootingId) -> Result<Shooting> {
        let shooting = store::shooting::find_one(&mut *self.tx, self.organization, id).await?;
        match shooting.state {
            State::Archived => Ok(shooting),
            _ => {
                let state = State::of(&shooting.shots);
                self.set_state(shooting, state).await
            }
        }
    }

    /// Gives a shooting another state.
    pub(crate) async fn set_state(&mut self, shooting: Shooting, to: State) -> Result<Shooting> {
        let from = shooting.state;
        if from == to {
            return Ok(shooting);
        }
        self.tell(event::shooting_changed(shooting.id, from, to)).await?;
        let (organization, id) = (self.organization, shooting.id);
        store::shooting::set_states(&mut *self.tx, organization, &[(id, from, to)]).await?;
        store::shooting::find_one(&mut *self.tx, organization, id).await
    }

    /// Tells that looks were created, changed or deleted, in their order.
    pub(crate) async fn tell_looks(
        &mut self,
        what: fn(LookChanged) -> Payload,
        looks: &[Look],
    ) -> Result<()> {
        let changed = looks.iter().map(|look| LookChanged {
            look_id: look.id.into(),
            shooting_id: look.shooting_id.into(),
            name: look.content.name.clone(),
            product_id: look.content.product_id.into(),
        });
        self.tell_all(changed.map(what)).await
    }

    /// Tells the mesh what happened, once the transaction has committed.
    pub(crate) async fn tell(&mut self, payload: Payload) -> Result<()> {
        self.tell_all([payload]).await
    }

    /// Tells the mesh several things that happened, in their order.
    pub(super) async fn tell_all(
        &mut self,
        payloads: impl IntoIterator<Item = Payload>,
    ) -> Result<()> {
        let draft = |it| Draft::new(self.organization, it).caused_by(self.caller);
        let drafts: Vec<_> = payloads.into_iter().map(draft).collect();
        Ok(self.studio.outbox.publish(&mut *self.tx, &drafts).await?)
    }
}
