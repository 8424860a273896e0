//! Reviews.

use api::sartiq::event::v1::GenerationChanged;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::prediction;
use api::sartiq::shooting::v1::decision::Kind;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::shot::State;
use api::sartiq::shooting::v1::*;
use server::Role;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;
use types::id::OrganizationId;

use crate::stage::{Result, Stage, changed, refusal};

fn approve(id: &str) -> ApprovePredictionRequest {
    ApprovePredictionRequest { request_id: request_id(), prediction_id: id.to_owned() }
}

fn reject(id: &str) -> RejectPredictionRequest {
    RejectPredictionRequest {
        request_id: request_id(),
        prediction_id: id.to_owned(),
        reason: RejectReason::Colour.into(),
        note: String::new(),
    }
}

fn revise(id: &str) -> RevisePredictionRequest {
    RevisePredictionRequest {
        request_id: request_id(),
        prediction_id: id.to_owned(),
        note: "longer sleeves".into(),
    }
}

fn undo(shot: &Shot) -> UndoDecisionRequest {
    UndoDecisionRequest { request_id: request_id(), shot_id: shot.id.clone() }
}

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

    let status = refusal(reviews.approve_prediction(approve(&pictures[0])).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::FailedPrecondition, "STATE_CONFLICT")
    );
    let metadata = testkit::metadata(&status);
    assert_eq!(metadata.get("state").map(String::as_str), Some("rejected"));
    assert_eq!(metadata.get("allowed").map(String::as_str), Some("generating,to_review"));
    // Nothing of it was written.
    let list = ListDecisionsRequest { shot_id: shot.id.clone(), ..Default::default() };
    let decisions = reviews.list_decisions(list).await?.into_inner().decisions;
    let listed: Vec<_> = decisions.iter().map(|it| &it.prediction_id).collect();
    assert_eq!(listed, [&pictures[1], &pictures[0]]);

    let undone = reviews.undo_decision(undo(&shot)).await?.into_inner();
    assert_eq!(undone.shot.map(|it| it.state()), Some(State::ToReview));
    reviews.reject_prediction(reject(&pictures[1])).await?;
    // Another generation brings something to look at again.
    stage.generate(&shot, 1).await?;
    stage.await_state(&shot, State::ToReview).await?;
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
async fn a_revision_starts_one_generation(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    let mut reviews = stage.reviews();
    let request = revise(&pictures[0]);
    let reply = reviews.revise_prediction(request.clone()).await?.into_inner();
    let again = reviews.revise_prediction(request).await?.into_inner();
    assert_eq!(again, reply);
    let started = stage.generation.started();
    let [started] = &started[..] else { panic!("{started:?}") };
    assert_eq!((&started.id, started.user), (&reply.generation_id, Some(stage.user)));
    assert_eq!((&started.input.shot_id, started.input.note.as_str()), (&shot.id, "longer sleeves"));
    assert_eq!(started.input.parent_prediction_id, pictures[0]);
    let now = reply.shot.ok_or("no shot")?;
    assert_eq!((now.state(), now.revision_number), (State::Generating, 1));
    let decision = reply.decision.ok_or("no decision")?;
    assert_eq!((decision.kind(), &decision.generation_id), (Kind::Revise, &reply.generation_id));

    let status = refusal(reviews.undo_decision(undo(&shot)).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::FailedPrecondition, "REVISION_STARTED")
    );
    // The event that tells of it changes nothing more; cancelled, the shot is as it was.
    let started = GenerationChanged { revision: true, ..changed(&shot, &reply.generation_id) };
    stage.tell(Payload::GenerationStarted(started.clone())).await?;
    stage.tell(Payload::GenerationCancelled(started)).await?;
    stage.await_state(&shot, State::ToReview).await?;
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_revision_waits_for_generation(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    let mut reviews = stage.reviews();
    stage.generation.refuse(Some(Code::Unavailable));
    let reply = reviews.revise_prediction(revise(&pictures[0])).await?.into_inner();
    assert_eq!(reply.generation_id, "");
    assert_eq!(reply.shot.map(|it| it.state()), Some(State::RevisionRequested));
    // Until it has started, it can be undone.
    let undone = reviews.undo_decision(undo(&shot)).await?.into_inner().shot.ok_or("no shot")?;
    assert_eq!((undone.state(), undone.revision_number), (State::ToReview, 0));

    reviews.revise_prediction(revise(&pictures[0])).await?;
    stage.generation.refuse(None);
    stage.await_state(&shot, State::Generating).await?;
    // Of two decisions, the one that stands was started.
    assert_eq!(stage.generation.started().len(), 1);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_revision_that_generation_refuses_is_withdrawn(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    stage.reviews().approve_prediction(approve(&pictures[0])).await?;
    stage.generation.refuse(Some(Code::FailedPrecondition));
    let status = refusal(stage.reviews().revise_prediction(revise(&pictures[0])).await)?;
    assert_eq!(status.code(), Code::FailedPrecondition);
    let now = stage.read(&shot).await?;
    assert_eq!((now.state(), &now.selected_prediction_id), (State::Approved, &pictures[0]));
    assert_eq!(now.revision_number, 0);
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
