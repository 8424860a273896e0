//! What the states of a shot promise, whatever happens in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use types::id::{DecisionId, UserId};

use super::*;
use crate::decision::{Decision, Kind};

/// A shot with what is around it, as the database would keep it.
#[derive(Clone, Default)]
struct Model {
    state: Option<State>,
    selected: Option<PredictionId>,
    running: BTreeSet<GenerationId>,
    ready: Vec<PredictionId>,
    decisions: Vec<Decision>,
}

impl Model {
    fn state(&self) -> State {
        self.state.unwrap_or(State::Planned)
    }

    fn facts(&self) -> Facts {
        let mut kinds = BTreeMap::new();
        for it in self.standing().filter(|it| it.kind != Kind::Revise) {
            kinds.insert(it.prediction_id, it.kind);
        }
        let n_rejected =
            self.ready.iter().filter(|it| kinds.get(it) == Some(&Kind::Reject)).count();
        Facts {
            n_running: self.running.len() as i64,
            n_ready: self.ready.len() as i64,
            n_rejected: n_rejected as i64,
        }
    }

    fn standing(&self) -> impl DoubleEndedIterator<Item = &Decision> {
        self.decisions.iter().filter(|it| it.undone_at.is_none())
    }

    fn tell(&mut self, cause: Cause) {
        let next = self.state().next(cause, self.facts());
        let state = next.expect("what happened elsewhere is never refused");
        self.state = Some(state);
        if state != State::Approved {
            self.selected = None;
        }
    }

    /// Decides, unless that is refused. Tells whether it was not.
    fn decide(&mut self, kind: Kind, prediction_id: PredictionId) -> bool {
        let mut next = self.clone();
        next.decisions.push(Decision {
            id: DecisionId::generate(),
            number: self.decisions.len() as i64,
            shot_id: ShotId::generate(),
            prediction_id,
            kind,
            reason: None,
            note: String::new(),
            user_id: UserId::generate(),
            generation_id: None,
            state_before: self.state(),
            selected_before: self.selected,
            created_at: OffsetDateTime::UNIX_EPOCH,
            undone_at: None,
        });
        let cause = match kind {
            Kind::Approve => Cause::Approve,
            Kind::Reject => Cause::Reject,
            Kind::Revise => Cause::Revise,
        };
        let Ok(state) = self.state().next(cause, next.facts()) else { return false };
        next.state = Some(state);
        next.selected = (state == State::Approved).then_some(prediction_id);
        *self = next;
        true
    }

    /// Undoes the latest decision, unless that is refused. Tells whether it was not.
    fn undo(&mut self) -> bool {
        let Some(decision) = self.standing().next_back().cloned() else { return false };
        let Ok(state) = decision.undo(self.state()) else { return false };
        self.selected = decision.selected_after_undo(state, self.selected);
        self.state = Some(state);
        for it in &mut self.decisions {
            if it.id == decision.id {
                it.undone_at = Some(OffsetDateTime::UNIX_EPOCH);
            }
        }
        true
    }

    fn check(&self) {
        let (state, facts) = (self.state(), self.facts());
        assert_eq!(state == State::Approved, self.selected.is_some(), "{state:?}");
        assert!(facts.n_rejected <= facts.n_ready);
        match state {
            State::Planned => assert_eq!(facts.n_ready, 0),
            State::Generating => assert!(0 < facts.n_running),
            State::ToReview => assert!(0 < facts.n_ready),
            State::Rejected => assert_eq!(facts.n_ready, facts.n_rejected),
            State::RevisionRequested | State::Approved => assert!(0 < facts.n_ready),
        }
    }
}

/// A small generator of numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[test]
fn no_order_of_events_breaks_a_promise() {
    for seed in 0..3000 {
        let mut dice = Dice(seed);
        let mut model = Model::default();
        for _ in 0..40 {
            let before = model.clone();
            match dice.roll(8) {
                0 => {
                    model.running.insert(GenerationId::generate());
                    model.tell(Cause::Started(Purpose::Pictures));
                }
                1 => {
                    model.running.insert(GenerationId::generate());
                    model.tell(Cause::Started(Purpose::Revision));
                }
                2 if !model.running.is_empty() => {
                    model.ready.push(PredictionId::generate());
                    model.tell(Cause::Ready);
                }
                3 => {
                    if model.running.pop_first().is_some() {
                        model.tell(Cause::Ended);
                    }
                }
                roll @ 4..=6 if !model.ready.is_empty() => {
                    let prediction = model.ready[dice.roll(model.ready.len())];
                    let kind = [Kind::Approve, Kind::Reject, Kind::Revise][roll - 4];
                    if model.decide(kind, prediction) {
                        model.check();
                        // Whatever was decided can be taken back at once.
                        let mut undone = model.clone();
                        assert!(undone.undo(), "seed {seed}: {kind:?} cannot be undone");
                        assert_eq!(undone.state(), before.state(), "seed {seed}: {kind:?}");
                        assert_eq!(undone.selected, before.selected, "seed {seed}: {kind:?}");
                    }
                }
                _ => {
                    model.undo();
                }
            }
            model.check();
        }
    }
}

#[test]
fn refusals_name_the_state_and_what_is_allowed() {
    for state in [State::Planned, State::Generating, State::RevisionRequested, State::Rejected] {
        let refused = state.next(Cause::Approve, Facts::default());
        let Err(Error::StateConflict { state: named, allowed, .. }) = refused else {
            panic!("{state:?} was approved")
        };
        assert_eq!(named, state.as_str());
        assert!(!allowed.is_empty());
    }
}

#[test]
fn pictures_of_an_approved_shot_leave_it_approved() -> Result<()> {
    let facts = Facts { n_running: 1, n_ready: 2, n_rejected: 0 };
    let state = State::Approved;
    assert_eq!(state.next(Cause::Started(Purpose::Pictures), facts)?, State::Approved);
    assert_eq!(state.next(Cause::Ready, facts)?, State::Approved);
    assert_eq!(state.next(Cause::Ended, facts)?, State::Approved);
    assert_eq!(state.next(Cause::Started(Purpose::Revision), facts)?, State::Generating);
    Ok(())
}

#[test]
fn a_failed_generation_leaves_what_was_there() -> Result<()> {
    let none = Facts::default();
    assert_eq!(State::Generating.next(Cause::Ended, none)?, State::Planned);
    let some = Facts { n_ready: 2, n_rejected: 1, ..none };
    assert_eq!(State::Generating.next(Cause::Ended, some)?, State::ToReview);
    let rejected = Facts { n_ready: 2, n_rejected: 2, ..none };
    assert_eq!(State::Generating.next(Cause::Ended, rejected)?, State::Rejected);
    let running = Facts { n_running: 1, ..none };
    assert_eq!(State::Generating.next(Cause::Ended, running)?, State::Generating);
    Ok(())
}

#[test]
fn words_survive_the_store() {
    use State::*;
    for it in [Planned, Generating, ToReview, RevisionRequested, Approved, Rejected] {
        assert_eq!(State::stored(it.as_str()), it);
    }
}
