//! Revisions.

use api::sartiq::event::v1::GenerationChanged;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::shooting::v1::decision::Kind;
use api::sartiq::shooting::v1::shot::State;
use sqlx::PgPool;
use tonic::Code;
use types::id::PredictionId;

use crate::stage::{Result, Stage, approve, changed, ready, refusal, reject, revise, undo};

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_rejected_picture_is_revised(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    let mut reviews = stage.reviews();
    reviews.reject_prediction(reject(&pictures[0])).await?;
    let reply = reviews.revise_prediction(revise(&pictures[0])).await?.into_inner();
    assert_eq!(reply.shot.map(|it| it.state()), Some(State::Generating));
    let revision = GenerationChanged { revision: true, ..changed(&shot, &reply.generation_id) };
    stage.tell(Payload::GenerationFailed(revision)).await?;
    stage.await_state(&shot, State::Rejected).await?;
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
async fn a_revision_that_makes_nothing_gives_the_approval_back(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(2).await?;
    let mut reviews = stage.reviews();
    reviews.approve_prediction(approve(&pictures[1])).await?;
    let endings: [fn(GenerationChanged) -> Payload; 2] =
        [Payload::GenerationFailed, Payload::GenerationCancelled];
    for (ending, number) in endings.into_iter().zip(1..) {
        let reply = reviews.revise_prediction(revise(&pictures[1])).await?.into_inner();
        let now = reply.shot.ok_or("no shot")?;
        assert_eq!((now.state(), now.selected_prediction_id.as_str()), (State::Generating, ""));
        let revision = GenerationChanged { revision: true, ..changed(&shot, &reply.generation_id) };
        stage.tell(Payload::GenerationStarted(revision.clone())).await?;
        stage.tell(ending(revision)).await?;
        stage.await_state(&shot, State::Approved).await?;
        let now = stage.read(&shot).await?;
        assert_eq!((&now.selected_prediction_id, now.revision_number), (&pictures[1], number));
    }
    let told = stage.told().await?.into_iter().rev();
    let last = told.filter_map(|it| match it {
        Payload::ShotStateChanged(it) => Some((it.to_state, it.selected_prediction_id)),
        _ => None,
    });
    assert_eq!(last.take(1).collect::<Vec<_>>(), [("STATE_APPROVED".into(), pictures[1].clone())]);

    // What has ended stands in no way of the decisions before it.
    for number in [1, 0] {
        let now = reviews.undo_decision(undo(&shot)).await?.into_inner().shot.ok_or("no shot")?;
        assert_eq!((now.state(), now.revision_number), (State::Approved, number));
    }
    let now = reviews.undo_decision(undo(&shot)).await?.into_inner().shot.ok_or("no shot")?;
    assert_eq!(now.state(), State::ToReview);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_revision_that_makes_something_is_to_be_decided_on(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    let mut reviews = stage.reviews();
    reviews.approve_prediction(approve(&pictures[0])).await?;
    let reply = reviews.revise_prediction(revise(&pictures[0])).await?.into_inner();
    let id = PredictionId::generate().to_string();
    stage.tell(Payload::PredictionReady(ready(&shot, &reply.generation_id, &id))).await?;
    let revision = GenerationChanged { revision: true, ..changed(&shot, &reply.generation_id) };
    stage.tell(Payload::GenerationCompleted(revision)).await?;
    stage.await_quiet().await?;
    let now = stage.read(&shot).await?;
    assert_eq!((now.state(), now.selected_prediction_id.as_str()), (State::ToReview, ""));
    let reply = reviews.approve_prediction(approve(&id)).await?.into_inner();
    assert_eq!(reply.shot.map(|it| it.selected_prediction_id), Some(id));
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
async fn a_revision_that_never_starts_is_withdrawn(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    stage.reviews().approve_prediction(approve(&pictures[0])).await?;
    stage.generation.refuse(Some(Code::Unavailable));
    let reply = stage.reviews().revise_prediction(revise(&pictures[0])).await?.into_inner();
    assert_eq!(reply.shot.map(|it| it.state()), Some(State::RevisionRequested));
    stage.hurry_for_the_last_time().await?;
    stage.await_state(&shot, State::Approved).await?;
    assert_eq!(stage.read(&shot).await?.selected_prediction_id, pictures[0]);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_picture_of_another_generation_leaves_the_approval_to_the_revision(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    for is_made in [false, true] {
        let (shot, pictures) = stage.shot_to_review(1).await?;
        stage.reviews().approve_prediction(approve(&pictures[0])).await?;
        // More pictures are being made while the approved one is revised.
        let (other, _) = stage.generate(&shot, 0).await?;
        let reply = stage.reviews().revise_prediction(revise(&pictures[0])).await?.into_inner();
        stage.await_state(&shot, State::Generating).await?;
        let revision = GenerationChanged { revision: true, ..changed(&shot, &reply.generation_id) };
        stage.tell(Payload::GenerationStarted(revision.clone())).await?;
        let id = PredictionId::generate().to_string();
        stage.tell(Payload::PredictionReady(ready(&shot, &other, &id))).await?;
        stage.tell(Payload::GenerationCompleted(changed(&shot, &other))).await?;
        stage.await_quiet().await?;
        assert_eq!(stage.read(&shot).await?.state(), State::Generating);
        match is_made {
            true => {
                let id = PredictionId::generate().to_string();
                let made = ready(&shot, &reply.generation_id, &id);
                stage.tell(Payload::PredictionReady(made)).await?;
                stage.await_state(&shot, State::ToReview).await?;
            }
            false => {
                stage.tell(Payload::GenerationFailed(revision)).await?;
                stage.await_state(&shot, State::Approved).await?;
                assert_eq!(stage.read(&shot).await?.selected_prediction_id, pictures[0]);
            }
        }
    }
    Ok(())
}
