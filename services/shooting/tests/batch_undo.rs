//! Undoing many decisions at once.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::*;
use server::Role;
use sqlx::PgPool;
use testkit::request_id;

use crate::stage::batch::{approval, decide, outcomes, undo_all};
use crate::stage::{Result, Stage, approve, reject, revise, undo};

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn undone_decisions_give_all_shots_back_what_they_had(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shots = stage.shots_to_review(30).await?;
    let mut reviews = stage.reviews();
    reviews.reject_prediction(reject(&shots[0].1)).await?;
    let n_told = stage.told().await?.len();
    let request = decide(shots.iter().map(|it| approval(&it.1)));
    let made = reviews.batch_decide(request).await?.into_inner().results;
    let undone = reviews.batch_undo_decisions(undo_all(&made)).await?.into_inner().results;
    let mut expected = vec!["STATE_TO_REVIEW"; 30];
    expected[0] = "STATE_REJECTED";
    assert_eq!(outcomes(&undone), expected);
    for ((shot, _), result) in shots.iter().zip(&undone) {
        assert_eq!(Some(&stage.read(shot).await?), result.shot.as_ref());
        let request = ListDecisionsRequest { shot_id: shot.id.clone(), ..Default::default() };
        let latest = reviews.list_decisions(request).await?.into_inner().decisions.remove(0);
        assert!(latest.undo_time.is_some());
        assert_eq!(Some(latest), result.decision);
    }
    let told = stage.told().await?.split_off(n_told);
    let of_shooting = told.iter().filter_map(|it| match it {
        Payload::ShootingStateChanged(it) => Some(it.to_state.as_str()),
        _ => None,
    });
    assert_eq!(of_shooting.collect::<Vec<_>>(), ["STATE_APPROVED", "STATE_IN_REVIEW"]);
    let undone = told.iter().filter(|it| matches!(it, Payload::DecisionUndone(_))).count();
    assert_eq!((undone, told.len()), (30, 4 * 30 + 2));
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn what_may_not_be_undone_leaves_the_others(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (followed, pictures) = stage.shot_to_review(2).await?;
    let shots = stage.shots_to_review(3).await?;
    let mut reviews = stage.reviews();
    let ids = [&pictures[0], &shots[0].1, &shots[1].1, &shots[2].1];
    let made = reviews.batch_decide(decide(ids.map(|it| approval(it)))).await?.into_inner().results;
    reviews.approve_prediction(approve(&pictures[1])).await?;
    reviews.undo_decision(undo(&shots[0].0)).await?;
    let mut request = undo_all(&made);
    let revised = reviews.revise_prediction(revise(&shots[2].1)).await?.into_inner();
    request.decision_ids[3] = revised.decision.ok_or("no decision")?.id;
    request.decision_ids.push(request_id());

    let mut stranger = ReviewServiceClient::new(stage.stranger());
    let results = stranger.batch_undo_decisions(request.clone()).await?.into_inner().results;
    assert_eq!(outcomes(&results), ["DECISION_NOT_FOUND"; 5]);
    let mut colleague = ReviewServiceClient::new(stage.colleague(Role::Editor));
    let again = |of: &BatchUndoDecisionsRequest| BatchUndoDecisionsRequest {
        request_id: request_id(),
        ..of.clone()
    };
    let results = colleague.batch_undo_decisions(again(&request)).await?.into_inner().results;
    assert_eq!(outcomes(&results)[..4], ["DECISION_OF_ANOTHER"; 4]);

    let mut admin = ReviewServiceClient::new(stage.colleague(Role::Admin));
    let results = admin.batch_undo_decisions(again(&request)).await?.into_inner().results;
    let expected = [
        "DECISION_NOT_LATEST",
        "DECISION_UNDONE",
        "STATE_TO_REVIEW",
        "REVISION_STARTED",
        "DECISION_NOT_FOUND",
    ];
    assert_eq!(outcomes(&results), expected);
    let message = |nth: usize| results[nth].error.as_ref().map(|it| it.message.clone());
    let sentence = format!("a later decision about shot {} stands", followed.id);
    assert_eq!(message(0), Some(sentence));
    let sentence = format!("decision {} does not exist", request.decision_ids[4]);
    assert_eq!(message(4), Some(sentence));
    assert_eq!(stage.read(&followed).await?.selected_prediction_id, pictures[1]);
    Ok(())
}
