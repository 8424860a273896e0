//! What shootings tell the mesh.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::event::v1::{DecisionMade, ShootingChanged, ShotChanged};
use api::sartiq::shooting::v1 as pb;
use types::id::{DecisionId, PredictionId, ShootingId};

use crate::decision::Kind;
use crate::shooting::State;
use crate::shot::{self, Shot};

/// Says that a shooting changed from one state to another.
pub(super) fn shooting_changed(id: ShootingId, from: State, to: State) -> Payload {
    Payload::ShootingStateChanged(ShootingChanged {
        shooting_id: id.into(),
        from_state: pb::shooting::State::from(from).as_str_name().to_owned(),
        to_state: pb::shooting::State::from(to).as_str_name().to_owned(),
    })
}

/// Says that `shot`, which was in state `from`, changed.
pub(super) fn shot_changed(from: shot::State, shot: &Shot) -> Payload {
    Payload::ShotStateChanged(ShotChanged {
        shot_id: shot.id.into(),
        shooting_id: shot.shooting_id.into(),
        from_state: pb::shot::State::from(from).as_str_name().to_owned(),
        to_state: pb::shot::State::from(shot.state).as_str_name().to_owned(),
        selected_prediction_id: shot.selected.map(Into::into).unwrap_or_default(),
    })
}

/// Says which decision about `shot` was made or undone.
pub(super) fn decision(
    id: DecisionId,
    prediction: PredictionId,
    kind: Kind,
    shot: &Shot,
) -> DecisionMade {
    DecisionMade {
        decision_id: id.into(),
        shot_id: shot.id.into(),
        shooting_id: shot.shooting_id.into(),
        prediction_id: prediction.into(),
        kind: pb::decision::Kind::from(kind).as_str_name().to_owned(),
    }
}
