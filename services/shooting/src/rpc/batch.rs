//! Decisions that are made or undone together, about one shot or many.

use std::collections::{BTreeMap, BTreeSet};

use api::sartiq::event::v1::event::Payload;
use types::id::{DecisionId, ShootingId, ShotId};

use crate::decision::{Decision, Kind, NewDecision, Place, Verdict};
use crate::error::{Error, Noun, Result};
use crate::rpc::change::Change;
use crate::rpc::event;
use crate::rpc::prediction::{Origin, Origins};
use crate::shooting::{Shooting, State};
use crate::shot::{Cause, Facts, Purpose, Shot};
use crate::store;

/// What became of one item: the decision and its shot after it, or why it was refused.
pub(super) type Outcome = Result<(Decision, Shot)>;

/// Shots with their shootings, which nobody else changes until the transaction ends.
///
/// What is decided is worked out here, and [`Batch::write`] stores and tells all of it: there are as
/// many statements for one shot as for hundreds.
pub(crate) struct Batch {
    shootings: BTreeMap<ShootingId, Shooting>,
    shots: BTreeMap<ShotId, Entry>,
    made: Vec<NewDecision>,
    undone: Vec<DecisionId>,
    /// The shot of each decision, as it was left by it.
    after: BTreeMap<DecisionId, Shot>,
    /// The states that shootings were in, and are in now.
    states: BTreeMap<ShootingId, (State, State)>,
    news: Vec<Payload>,
}

/// A shot, and how it stands.
#[derive(Clone)]
struct Entry {
    shot: Shot,
    facts: Facts,
    is_changed: bool,
    /// How many decisions about it were undone here.
    n_undone: i64,
}

impl Batch {
    /// Reads those of the shots `ids` that there are, with their shootings.
    pub(crate) async fn open(change: &mut Change<'_>, ids: &[ShotId]) -> Result<Self> {
        let organization = change.organization;
        let shots = store::shot::find(&mut *change.tx, organization, ids).await?;
        let shootings: BTreeSet<_> = shots.iter().map(|it| it.shooting_id).collect();
        let shootings: Vec<_> = shootings.into_iter().collect();
        let shootings = store::shooting::lock(&mut *change.tx, organization, &shootings).await?;
        // Again, for they may have changed before the locks were held.
        let shots = store::shot::find(&mut *change.tx, organization, ids).await?;
        let facts = store::prediction::facts(&mut *change.tx, organization, ids).await?;
        let entries = shots.into_iter().map(|shot| {
            let facts = facts.get(&shot.id).copied().unwrap_or_default();
            (shot.id, Entry { shot, facts, is_changed: false, n_undone: 0 })
        });
        Ok(Self {
            shootings: shootings.into_iter().map(|it| (it.id, it)).collect(),
            shots: entries.collect(),
            made: Vec::new(),
            undone: Vec::new(),
            after: BTreeMap::new(),
            states: BTreeMap::new(),
            news: Vec::new(),
        })
    }

    /// Fails unless `shot` is there and may change.
    pub(crate) fn check_open(&self, shot: ShotId) -> Result<()> {
        let id = self.entry(shot)?.shot.shooting_id;
        let shooting = self.shootings.get(&id);
        shooting.ok_or_else(|| Error::NotFound(Noun::Shooting, vec![id.uuid()]))?.check_open()
    }

    /// Counts in those of `origins` that are ready and of which no event has come yet.
    pub(super) async fn ready(&mut self, change: &mut Change<'_>, origins: &Origins) -> Result<()> {
        let early = origins.iter().filter_map(|(id, origin)| {
            let Origin { shot, generation } = *origin.as_ref().ok()?;
            Some((*id, shot, generation?))
        });
        let early: Vec<_> = early.filter(|it| self.check_open(it.1).is_ok()).collect();
        if early.is_empty() {
            return Ok(());
        }
        let organization = change.organization;
        let ready: Vec<_> = early.iter().map(|it| (it.0, it.1)).collect();
        let news = store::prediction::insert(&mut *change.tx, organization, &ready).await?;
        let generations: Vec<_> = early.iter().map(|it| it.2).collect();
        let revisions =
            store::generation::find_revisions(&mut *change.tx, organization, &generations).await?;
        for (_, shot, generation) in early.into_iter().filter(|it| news.contains(&it.0)) {
            let Entry { mut shot, mut facts, .. } = self.entry(shot)?.clone();
            facts.n_ready += 1;
            let purpose = Purpose::of(revisions.contains(&generation));
            shot.happen(Cause::Ready(purpose), facts)?;
            self.put(shot, facts, 0);
        }
        self.settle();
        Ok(())
    }

    /// Decides about a shot. A refusal changes nothing.
    ///
    /// `earlier` is what was decided about the picture before, and stands.
    pub(crate) fn decide(
        &mut self,
        shot: ShotId,
        verdict: Verdict,
        earlier: Option<Kind>,
    ) -> Result<DecisionId> {
        let Entry { mut shot, mut facts, .. } = self.entry(shot)?.clone();
        let (prediction, kind) = (verdict.prediction_id, verdict.kind);
        let decision = verdict.decide(&mut shot, &mut facts, earlier)?;
        let id = decision.id;
        self.made.push(decision);
        let told = event::decision(id, prediction, kind, &shot);
        self.news.push(Payload::DecisionMade(told));
        self.after.insert(id, shot.clone());
        self.put(shot, facts, 0);
        Ok(id)
    }

    /// Undoes a decision and gives the shot back the state it had. A refusal changes nothing.
    ///
    /// `place` is where the decision was before anything was undone here.
    pub(crate) fn undo(&mut self, decision: &Decision, place: Place) -> Result<DecisionId> {
        let Entry { mut shot, mut facts, n_undone, .. } = self.entry(decision.shot_id)?.clone();
        let id = decision.id;
        if decision.undone_at.is_some() || self.undone.contains(&id) {
            return Err(Error::DecisionUndone(id));
        }
        // What was undone here came later than what still stands.
        if n_undone != place.n_later {
            return Err(Error::DecisionNotLatest(shot.id));
        }
        decision.undo(&mut shot, &mut facts, place.earlier)?;
        self.undone.push(id);
        let told = event::decision(id, decision.prediction_id, decision.kind, &shot);
        self.news.push(Payload::DecisionUndone(told));
        self.after.insert(id, shot.clone());
        self.put(shot, facts, 1);
        Ok(id)
    }

    /// Writes what happened and tells it. Returns each decision with its shot after it.
    pub(crate) async fn write(
        mut self,
        change: &mut Change<'_>,
    ) -> Result<BTreeMap<DecisionId, (Decision, Shot)>> {
        self.settle();
        let (organization, tx) = (change.organization, &mut *change.tx);
        let mut decisions = store::decision::insert(&mut *tx, organization, &self.made).await?;
        decisions.extend(store::decision::undo(&mut *tx, organization, &self.undone).await?);
        let changed = self.shots.values().filter(|it| it.is_changed);
        let changed: Vec<_> = changed.map(|it| &it.shot).collect();
        let written = store::shot::update(&mut *tx, organization, &changed).await?;
        let states = self.states.iter().map(|(id, (before, now))| (*id, *before, *now));
        let states: Vec<_> = states.filter(|it| it.1 != it.2).collect();
        store::shooting::set_states(&mut *tx, organization, &states).await?;
        change.tell_all(self.news).await?;
        let times: BTreeMap<_, _> = written.iter().map(|it| (it.id, it.updated_at)).collect();
        let written = decisions.into_iter().filter_map(|decision| {
            let mut shot = self.after.remove(&decision.id)?;
            shot.updated_at = *times.get(&shot.id)?;
            Some((decision.id, (decision, shot)))
        });
        Ok(written.collect())
    }

    fn entry(&self, shot: ShotId) -> Result<&Entry> {
        self.shots.get(&shot).ok_or_else(|| Error::NotFound(Noun::Shot, vec![shot.uuid()]))
    }

    /// Puts a shot back as it is now, and counts and tells what that changed.
    fn put(&mut self, shot: Shot, facts: Facts, n_undone: i64) {
        let Some(entry) = self.shots.get_mut(&shot.id) else { return };
        let before = entry.shot.state;
        if shot.state != before {
            self.news.push(event::shot_changed(before, &shot));
            if let Some(shooting) = self.shootings.get_mut(&shot.shooting_id) {
                shooting.shots.shift(before, shot.state);
            }
        }
        (entry.shot, entry.facts, entry.is_changed) = (shot, facts, true);
        entry.n_undone += n_undone;
    }

    /// Gives shootings the states that follow from their shots, unless they are archived.
    fn settle(&mut self) {
        for shooting in self.shootings.values_mut().filter(|it| it.state != State::Archived) {
            let (from, to) = (shooting.state, State::of(&shooting.shots));
            if from != to {
                shooting.state = to;
                self.states.entry(shooting.id).or_insert((from, to)).1 = to;
                self.news.push(event::shooting_changed(shooting.id, from, to));
            }
        }
    }
}
