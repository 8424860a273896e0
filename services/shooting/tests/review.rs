//! Reviews.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::prediction;
use api::sartiq::shooting::v1::decision::Kind;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::shot::State;
use api::sartiq::shooting::v1::*;
use server::Role;
use sqlx::PgPool;
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{Result, Stage, approve, refusal, reject, undo};

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn an_approved_picture_is_selected_in_place_of_any_other(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(2).await?;
    let mut reviews = ReviewServiceClient::new(stage.role(Role::Reviewer));
    let request = approve(&pictures[0]);
    let first = reviews.approve_prediction(request.clone()).await?.into_inner();
    assert_eq!(reviews.approve_prediction(request.clone()).await?.into_inner(), first);
    let other = ApprovePredictionRequest { prediction_id: pictures[1].clone(), ..request };
    assert_eq!(
        testkit::reason(&refusal(reviews.approve_prediction(other).await)?),
        "REQUEST_ID_REUSED"
    );
    let now = first.shot.ok_or("no shot")?;
    assert_eq!((now.state(), &now.selected_prediction_id), (State::Approved, &pictures[0]));
    let decision = first.decision.ok_or("no decision")?;
    assert_eq!((decision.kind(), &decision.user_id), (Kind::Approve, &stage.user.to_string()));

    let status = refusal(reviews.approve_prediction(approve(&pictures[0])).await)?;
    assert_eq!(testkit::reason(&status), "PREDICTION_DECIDED");
    let second = reviews.approve_prediction(approve(&pictures[1])).await?.into_inner();
    assert_eq!(second.shot.map(|it| it.selected_prediction_id).as_ref(), Some(&pictures[1]));

    // Each undo gives back what was there before.
    let undone = reviews.undo_decision(undo(&shot)).await?.into_inner();
    let now = undone.shot.ok_or("no shot")?;
    assert_eq!((now.state(), &now.selected_prediction_id), (State::Approved, &pictures[0]));
    assert!(undone.decision.and_then(|it| it.undo_time).is_some());
    let now = reviews.undo_decision(undo(&shot)).await?.into_inner().shot.ok_or("no shot")?;
    assert_eq!((now.state(), now.selected_prediction_id.as_str()), (State::ToReview, ""));
    let status = refusal(reviews.undo_decision(undo(&shot)).await)?;
    assert_eq!(testkit::reason(&status), "NOTHING_TO_UNDO");

    let told = stage.told().await?;
    let made = told.iter().filter(|it| matches!(it, Payload::DecisionMade(_))).count();
    let undone = told.iter().filter(|it| matches!(it, Payload::DecisionUndone(_))).count();
    assert_eq!((made, undone), (2, 2));
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_shot_is_rejected_once_all_its_pictures_are(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(2).await?;
    let mut reviews = stage.reviews();
    let first = reviews.reject_prediction(reject(&pictures[0])).await?.into_inner();
    assert_eq!(first.shot.map(|it| it.state()), Some(State::ToReview));
    assert_eq!(first.decision.map(|it| it.reason()), Some(RejectReason::Colour));
    let status = refusal(reviews.reject_prediction(reject(&pictures[0])).await)?;
    assert_eq!(testkit::reason(&status), "PREDICTION_DECIDED");
    let second = reviews.reject_prediction(reject(&pictures[1])).await?.into_inner();
    assert_eq!(second.shot.map(|it| it.state()), Some(State::Rejected));

    let status = refusal(reviews.reject_prediction(reject(&pictures[0])).await)?;
    assert_eq!(testkit::reason(&status), "PREDICTION_DECIDED");
    // Nothing of it was written.
    assert_eq!(stage.decided(&shot).await?, [&*pictures[1], &*pictures[0]]);

    let undone = reviews.undo_decision(undo(&shot)).await?.into_inner();
    assert_eq!(undone.shot.map(|it| it.state()), Some(State::ToReview));
    reviews.reject_prediction(reject(&pictures[1])).await?;
    // Another generation brings something to look at again.
    stage.generate(&shot, 1).await?;
    stage.await_state(&shot, State::ToReview).await?;
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn nothing_is_decided_while_something_is_made(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    stage.generate(&shot, 0).await?;
    stage.await_state(&shot, State::Generating).await?;
    let status = refusal(stage.reviews().approve_prediction(approve(&pictures[0])).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::FailedPrecondition, "STATE_CONFLICT")
    );
    let metadata = testkit::metadata(&status);
    assert_eq!(metadata.get("state").map(String::as_str), Some("generating"));
    let allowed = metadata.get("allowed").map(String::as_str);
    assert_eq!(allowed, Some("to_review,approved,rejected,planned"));
    assert!(stage.decided(&shot).await?.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_sibling_of_the_approved_picture_is_rejected_beside_it(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(3).await?;
    let mut reviews = stage.reviews();
    reviews.approve_prediction(approve(&pictures[0])).await?;
    let reply = reviews.reject_prediction(reject(&pictures[1])).await?.into_inner();
    let approved = stage.read(&shot).await?;
    assert_eq!(
        (approved.state(), &approved.selected_prediction_id),
        (State::Approved, &pictures[0])
    );
    assert_eq!(reply.shot.as_ref(), Some(&approved));
    assert_eq!(reply.decision.map(|it| it.kind()), Some(Kind::Reject));
    let status = refusal(reviews.reject_prediction(reject(&pictures[1])).await)?;
    assert_eq!(testkit::reason(&status), "PREDICTION_DECIDED");
    assert_eq!(stage.decided(&shot).await?, [&*pictures[1], &*pictures[0]]);

    // Taken back, it may be rejected again.
    let undone = reviews.undo_decision(undo(&shot)).await?.into_inner();
    assert_eq!(undone.decision.map(|it| it.prediction_id).as_ref(), Some(&pictures[1]));
    let now = undone.shot.ok_or("no shot")?;
    assert_eq!((now.state(), &now.selected_prediction_id), (State::Approved, &pictures[0]));
    for id in &pictures[1..] {
        let reply = reviews.reject_prediction(reject(id)).await?.into_inner();
        assert_eq!(reply.shot.map(|it| it.selected_prediction_id).as_ref(), Some(&pictures[0]));
    }
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_rejected_approval_is_withdrawn(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(2).await?;
    let mut reviews = stage.reviews();
    reviews.approve_prediction(approve(&pictures[0])).await?;
    let reply = reviews.reject_prediction(reject(&pictures[0])).await?.into_inner();
    let now = reply.shot.ok_or("no shot")?;
    assert_eq!((now.state(), now.selected_prediction_id.as_str()), (State::ToReview, ""));

    // The undo gives the approval back, whatever was made meanwhile.
    stage.generate(&shot, 1).await?;
    stage.await_quiet().await?;
    let now = reviews.undo_decision(undo(&shot)).await?.into_inner().shot.ok_or("no shot")?;
    assert_eq!((now.state(), &now.selected_prediction_id), (State::Approved, &pictures[0]));
    let now = reviews.undo_decision(undo(&shot)).await?.into_inner().shot.ok_or("no shot")?;
    assert_eq!((now.state(), now.selected_prediction_id.as_str()), (State::ToReview, ""));
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_decision_is_followed_by_its_opposite(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    let mut reviews = stage.reviews();
    for _ in 0..2 {
        let reply = reviews.reject_prediction(reject(&pictures[0])).await?.into_inner();
        let now = reply.shot.ok_or("no shot")?;
        assert_eq!((now.state(), now.selected_prediction_id.as_str()), (State::Rejected, ""));
        let reply = reviews.approve_prediction(approve(&pictures[0])).await?.into_inner();
        let now = reply.shot.ok_or("no shot")?;
        assert_eq!((now.state(), &now.selected_prediction_id), (State::Approved, &pictures[0]));
    }
    assert_eq!(stage.decided(&shot).await?.len(), 4);
    let states = [State::Rejected, State::Approved, State::Rejected, State::ToReview];
    for state in states {
        let undone = reviews.undo_decision(undo(&shot)).await?.into_inner();
        assert_eq!(undone.shot.map(|it| it.state()), Some(state));
    }
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn another_reason_is_said_in_words(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (_, pictures) = stage.shot_to_review(1).await?;
    let mute =
        RejectPredictionRequest { reason: RejectReason::Other.into(), ..reject(&pictures[0]) };
    let status = refusal(stage.reviews().reject_prediction(mute.clone()).await)?;
    assert_eq!(
        (status.code(), testkit::fields(&status)),
        (Code::InvalidArgument, vec!["note".into()])
    );
    let said = RejectPredictionRequest { note: "a cat".into(), ..mute };
    stage.reviews().reject_prediction(said).await?;
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn only_pictures_that_are_ready_are_decided_on(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shot = stage.shots_of_a_look(1).await?.remove(0);
    let add = |organization, state| stage.generation.add(organization, &shot.id, state);
    let mut reviews = stage.reviews();
    let foreign = add(OrganizationId::generate(), prediction::State::Ready);
    let status = refusal(reviews.approve_prediction(approve(&foreign)).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::NotFound, "PREDICTION_NOT_FOUND")
    );
    let unready = add(stage.organization, prediction::State::Rendering);
    let status = refusal(reviews.approve_prediction(approve(&unready)).await)?;
    assert_eq!(testkit::reason(&status), "PREDICTION_NOT_READY");

    stage.generation.refuse(Some(Code::Unavailable));
    let status = refusal(reviews.approve_prediction(approve(&unready)).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::Unavailable, "GENERATION_UNAVAILABLE")
    );
    stage.generation.refuse(None);

    // Generation says that it is ready before its event has come.
    let early = add(stage.organization, prediction::State::Ready);
    let approved = reviews.approve_prediction(approve(&early)).await?.into_inner();
    assert_eq!(approved.shot.map(|it| it.state()), Some(State::Approved));

    let mut stranger = ReviewServiceClient::new(stage.stranger());
    let status = refusal(stranger.approve_prediction(approve(&early)).await)?;
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(refusal(stranger.undo_decision(undo(&shot)).await)?.code(), Code::NotFound);
    let list = ListDecisionsRequest { shot_id: shot.id.clone(), ..Default::default() };
    assert_eq!(refusal(stranger.list_decisions(list).await)?.code(), Code::NotFound);
    let mut viewer = ReviewServiceClient::new(stage.role(Role::Viewer));
    let status = refusal(viewer.approve_prediction(approve(&early)).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn decisions_of_others_are_undone_by_owners_and_admins(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    stage.reviews().approve_prediction(approve(&pictures[0])).await?;
    let mut colleague = ReviewServiceClient::new(stage.colleague(Role::Editor));
    let status = refusal(colleague.undo_decision(undo(&shot)).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::PermissionDenied, "DECISION_OF_ANOTHER")
    );
    let mut admin = ReviewServiceClient::new(stage.colleague(Role::Admin));
    let undone = admin.undo_decision(undo(&shot)).await?.into_inner();
    assert_eq!(undone.shot.map(|it| it.state()), Some(State::ToReview));
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn decisions_are_listed_newest_first(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(3).await?;
    for id in &pictures {
        stage.reviews().reject_prediction(reject(id)).await?;
    }
    stage.reviews().undo_decision(undo(&shot)).await?;
    let list =
        |page_token| ListDecisionsRequest { shot_id: shot.id.clone(), page_size: 2, page_token };
    let first = stage.reviews().list_decisions(list(String::new())).await?.into_inner();
    let second = stage.reviews().list_decisions(list(first.next_page_token)).await?.into_inner();
    let all: Vec<_> = first.decisions.iter().chain(&second.decisions).collect();
    let listed: Vec<_> = all.iter().map(|it| &it.prediction_id).collect();
    assert_eq!(listed, [&pictures[2], &pictures[1], &pictures[0]]);
    assert_eq!(all.iter().filter(|it| it.undo_time.is_some()).count(), 1);
    Ok(())
}
