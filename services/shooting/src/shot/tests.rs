//! What the states of a shot promise, whatever happens in whatever order.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use types::id::UserId;

use super::*;
use crate::decision::{Decision, Kind, Verdict};

/// A shot with what is around it, as the database would keep it.
#[derive(Clone)]
struct Model {
    shot: Shot,
    running: BTreeMap<GenerationId, Purpose>,
    ready: Vec<PredictionId>,
    decisions: Vec<Decision>,
}

/// Returns a shot of which nothing was generated.
fn planned() -> Shot {
    Shot {
        id: ShotId::generate(),
        shooting_id: ShootingId::generate(),
        look_id: LookId::generate(),
        position: 0,
        shot_type_id: ShotTypeId::generate(),
        state: State::Planned,
        revision_number: 0,
        selected: None,
        fallback: None,
        generation_id: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
        updated_at: OffsetDateTime::UNIX_EPOCH,
    }
}

impl Model {
    fn new() -> Self {
        Self { shot: planned(), running: BTreeMap::new(), ready: Vec::new(), decisions: Vec::new() }
    }

    /// Returns what was last decided about a picture, and stands.
    fn verdict(&self, id: PredictionId) -> Option<Kind> {
        let mut about =
            self.standing().filter(|it| it.prediction_id == id && it.kind != Kind::Revise);
        about.next_back().map(|it| it.kind)
    }

    fn facts(&self) -> Facts {
        let n_rejected =
            self.ready.iter().filter(|it| self.verdict(**it) == Some(Kind::Reject)).count();
        Facts {
            n_running: self.running.len() as i64,
            n_ready: self.ready.len() as i64,
            n_rejected: n_rejected as i64,
        }
    }

    fn standing(&self) -> impl DoubleEndedIterator<Item = &Decision> {
        self.decisions.iter().filter(|it| it.undone_at.is_none())
    }

    fn start(&mut self, purpose: Purpose) {
        let id = GenerationId::generate();
        self.running.insert(id, purpose);
        if purpose == Purpose::Revision && self.shot.state == State::RevisionRequested {
            let latest = self.decisions.iter_mut().rfind(|it| it.undone_at.is_none());
            latest.expect("a revision was asked for").generation_id = Some(id);
        }
        self.tell(Cause::Started(purpose));
    }

    fn tell(&mut self, cause: Cause) {
        let facts = self.facts();
        self.shot.happen(cause, facts).expect("what happened elsewhere is never refused");
    }

    /// Decides, unless that is refused. Tells whether it was not.
    fn decide(&mut self, kind: Kind, prediction_id: PredictionId) -> bool {
        let mut next = self.clone();
        let user_id = UserId::generate();
        let verdict = Verdict { prediction_id, kind, reason: None, note: String::new(), user_id };
        let (mut facts, earlier) = (self.facts(), self.verdict(prediction_id));
        let Ok(new) = verdict.decide(&mut next.shot, &mut facts, earlier) else { return false };
        next.decisions.push(Decision {
            id: new.id,
            number: self.decisions.len() as i64,
            shot_id: new.shot_id,
            prediction_id,
            kind,
            reason: None,
            note: String::new(),
            user_id,
            generation_id: None,
            selected_before: new.selected_before,
            created_at: OffsetDateTime::UNIX_EPOCH,
            undone_at: None,
        });
        // What was counted on is what the database would count.
        assert_eq!(facts, next.facts(), "{kind:?}");
        *self = next;
        true
    }

    /// Undoes the latest decision, unless that is refused. Tells whether it was not.
    fn undo(&mut self) -> bool {
        let mut next = self.clone();
        let latest = next.decisions.iter_mut().rfind(|it| it.undone_at.is_none());
        let Some(decision) = latest else { return false };
        decision.undone_at = Some(OffsetDateTime::UNIX_EPOCH);
        let (decision, mut facts) = (decision.clone(), self.facts());
        let earlier = next.verdict(decision.prediction_id);
        if decision.undo(&mut next.shot, &mut facts, earlier).is_err() {
            return false;
        }
        assert_eq!(facts, next.facts(), "{:?}", decision.kind);
        *self = next;
        true
    }

    fn check(&self) {
        let (shot, facts) = (&self.shot, self.facts());
        let state = shot.state;
        assert_eq!(state == State::Approved, shot.selected.is_some(), "{state:?}");
        assert!(facts.n_rejected <= facts.n_ready);
        match state {
            State::Planned => assert_eq!(facts.n_ready, 0),
            State::Generating => assert!(0 < facts.n_running),
            State::ToReview => assert!(facts.n_rejected < facts.n_ready),
            State::Rejected => assert!(0 < facts.n_ready && facts.n_ready == facts.n_rejected),
            State::RevisionRequested | State::Approved => assert!(0 < facts.n_ready),
        }
        if shot.fallback.is_some() {
            assert!(matches!(state, State::RevisionRequested | State::Generating), "{state:?}");
        }
        if let Some(id) = shot.selected.or(shot.fallback) {
            assert_eq!(self.verdict(id), Some(Kind::Approve), "{state:?}");
        }
        let n_revisions = self.standing().filter(|it| it.kind == Kind::Revise).count();
        assert_eq!(shot.revision_number, n_revisions as i32);
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
        let mut model = Model::new();
        for _ in 0..40 {
            let before = model.clone();
            match dice.roll(8) {
                0 => model.start(Purpose::Pictures),
                1 => model.start(Purpose::Revision),
                2 if !model.running.is_empty() => {
                    let place = dice.roll(model.running.len());
                    let purpose = model.running.values().nth(place).copied();
                    model.ready.push(PredictionId::generate());
                    model.tell(Cause::Ready(purpose.expect("one of those that run")));
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
                        assert_eq!(undone.shot.state, before.shot.state, "seed {seed}: {kind:?}");
                        assert_eq!(undone.shot.selected, before.shot.selected, "seed {seed}");
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
    for state in [State::Planned, State::Generating, State::RevisionRequested] {
        let mut shot = Shot { state, ..planned() };
        let refused = shot.happen(Cause::Approve(PredictionId::generate()), Facts::default());
        let Err(Error::StateConflict { state: named, allowed, .. }) = refused else {
            panic!("{state:?} was approved")
        };
        assert_eq!(named, state.as_str());
        assert!(!allowed.is_empty());
        assert_eq!((shot.state, shot.selected), (state, None));
    }
}

#[test]
fn pictures_of_an_approved_shot_leave_it_approved() -> Result<()> {
    let facts = Facts { n_running: 1, n_ready: 2, n_rejected: 0 };
    let mut shot = planned();
    shot.select(PredictionId::generate());
    let selected = shot.selected;
    for cause in [Cause::Started(Purpose::Pictures), Cause::Ready(Purpose::Pictures), Cause::Ended]
    {
        shot.happen(cause, facts)?;
        assert_eq!((shot.state, shot.selected), (State::Approved, selected), "{cause:?}");
    }
    shot.happen(Cause::Started(Purpose::Revision), facts)?;
    assert_eq!((shot.state, shot.selected), (State::Generating, None));
    Ok(())
}

#[test]
fn a_failed_generation_leaves_what_was_there() -> Result<()> {
    let none = Facts::default();
    let endings = [
        (none, State::Planned),
        (Facts { n_ready: 2, n_rejected: 1, ..none }, State::ToReview),
        (Facts { n_ready: 2, n_rejected: 2, ..none }, State::Rejected),
        (Facts { n_running: 1, ..none }, State::Generating),
    ];
    for (facts, state) in endings {
        let mut shot = Shot { state: State::Generating, ..planned() };
        shot.happen(Cause::Ended, facts)?;
        assert_eq!(shot.state, state, "{facts:?}");
    }
    Ok(())
}

#[test]
fn a_revision_that_makes_nothing_gives_the_approval_back() -> Result<()> {
    let facts = Facts { n_running: 1, n_ready: 1, n_rejected: 0 };
    let mut shot = planned();
    shot.select(PredictionId::generate());
    let selected = shot.selected;
    shot.happen(Cause::Revise, facts)?;
    // Another generation that runs beside it is not what the shot waits for.
    shot.happen(Cause::Started(Purpose::Pictures), facts)?;
    shot.happen(Cause::Ready(Purpose::Pictures), facts)?;
    shot.happen(Cause::Ended, facts)?;
    assert_eq!((shot.state, shot.selected), (State::RevisionRequested, None));
    shot.happen(Cause::Started(Purpose::Revision), facts)?;
    // Neither are its pictures.
    shot.happen(Cause::Ready(Purpose::Pictures), facts)?;
    assert_eq!((shot.state, shot.fallback), (State::Generating, selected));
    let mut made = shot.clone();
    shot.happen(Cause::Ended, Facts { n_running: 0, ..facts })?;
    assert_eq!((shot.state, shot.selected, shot.fallback), (State::Approved, selected, None));

    made.happen(Cause::Ready(Purpose::Revision), facts)?;
    made.happen(Cause::Ended, Facts { n_running: 0, ..facts })?;
    assert_eq!((made.state, made.selected, made.fallback), (State::ToReview, None, None));
    Ok(())
}

#[test]
fn only_the_rejection_of_the_selected_picture_withdraws_the_approval() -> Result<()> {
    let (selected, sibling) = (PredictionId::generate(), PredictionId::generate());
    let mut shot = planned();
    shot.select(selected);
    let facts = Facts { n_running: 0, n_ready: 2, n_rejected: 1 };
    shot.happen(Cause::Reject(sibling), facts)?;
    assert_eq!((shot.state, shot.selected), (State::Approved, Some(selected)));
    let mut alone = shot.clone();
    shot.happen(Cause::Reject(selected), facts)?;
    assert_eq!((shot.state, shot.selected), (State::ToReview, None));
    alone.happen(Cause::Reject(selected), Facts { n_rejected: 2, ..facts })?;
    assert_eq!((alone.state, alone.selected), (State::Rejected, None));
    Ok(())
}

#[test]
fn words_survive_the_store() {
    use State::*;
    for it in [Planned, Generating, ToReview, RevisionRequested, Approved, Rejected] {
        assert_eq!(State::stored(it.as_str()), it);
    }
}
