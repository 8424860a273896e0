//! Decisions about many pictures at once.

use std::collections::BTreeSet;

use api::sartiq::event::v1::event::Payload;
use api::sartiq::generation::v1::prediction;
use api::sartiq::shooting::v1::decision::Kind;
use api::sartiq::shooting::v1::review_service_client::ReviewServiceClient;
use api::sartiq::shooting::v1::shot::State;
use api::sartiq::shooting::v1::*;
use server::Role;
use sqlx::PgPool;
use testkit::request_id;
use tokio::task::JoinSet;
use tonic::Code;

use crate::stage::batch::{approval, decide, outcomes, rejection, undo_all};
use crate::stage::{Result, Stage, approve, refusal};

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn three_hundred_are_approved_but_for_four_that_are_explained(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shots = stage.shots_to_review(297).await?;
    let mut reviews = ReviewServiceClient::new(stage.role(Role::Reviewer));
    reviews.approve_prediction(approve(&shots[7].1)).await?;
    let (making, pictures) = stage.shot_to_review(1).await?;
    stage.generate(&making, 0).await?;
    stage.await_state(&making, State::Generating).await?;
    let unready =
        stage.generation.add(stage.organization, &making.id, prediction::State::Rendering);
    let nowhere = request_id();
    let n_told = stage.told().await?.len();

    let mut ids: Vec<_> = shots.iter().map(|it| it.1.clone()).collect();
    ids.extend([pictures[0].clone(), unready, nowhere]);
    let request = decide(ids.iter().map(|it| approval(it)));
    let results = reviews.batch_decide(request).await?.into_inner().results;
    let mut expected = vec!["STATE_APPROVED"; 297];
    expected[7] = "PREDICTION_DECIDED";
    expected.extend(["STATE_CONFLICT", "PREDICTION_NOT_READY", "PREDICTION_NOT_FOUND"]);
    assert_eq!(outcomes(&results), expected);
    for ((shot, picture), result) in shots.iter().zip(&results).filter(|it| it.1.error.is_none()) {
        let decision = result.decision.as_ref().ok_or("no decision")?;
        assert_eq!((&decision.shot_id, &decision.prediction_id), (&shot.id, picture));
        assert_eq!((decision.kind(), &decision.user_id), (Kind::Approve, &stage.user.to_string()));
        let shot = result.shot.as_ref().ok_or("no shot")?;
        assert_eq!((&shot.id, &shot.selected_prediction_id), (&decision.shot_id, picture));
    }
    assert_eq!(results[0].shot.as_ref(), Some(&stage.read(&shots[0].0).await?));

    // Each refusal is the one of the call for it alone.
    for (id, result) in ids.iter().zip(&results).filter(|it| it.1.error.is_some()) {
        let status = refusal(reviews.approve_prediction(approve(id)).await)?;
        let error = result.error.clone().ok_or("no error")?;
        assert_eq!(
            (error.reason, error.message.as_str()),
            (testkit::reason(&status), status.message())
        );
    }

    let told = stage.told().await?.split_off(n_told);
    let made = told.iter().filter_map(|it| match it {
        Payload::DecisionMade(it) => Some(it.decision_id.clone()),
        _ => None,
    });
    let decided: BTreeSet<_> =
        results.iter().filter_map(|it| it.decision.as_ref()).map(|it| it.id.clone()).collect();
    assert_eq!((made.clone().count(), made.collect::<BTreeSet<_>>()), (296, decided));
    let changed = told.iter().filter_map(|it| match it {
        Payload::ShotStateChanged(it) if it.to_state == "STATE_APPROVED" => Some(&it.shot_id),
        _ => None,
    });
    assert_eq!(changed.collect::<BTreeSet<_>>().len(), 296);
    let [rest @ .., Payload::ShootingStateChanged(shooting)] = &told[..] else {
        panic!("{:?}", told.last())
    };
    assert_eq!(
        (shooting.from_state.as_str(), shooting.to_state.as_str()),
        ("STATE_IN_REVIEW", "STATE_APPROVED")
    );
    assert_eq!(rest.len(), 2 * 296);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn the_same_request_decides_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(2).await?;
    let mut reviews = stage.reviews();
    let request = decide([approval(&pictures[0]), approval(&request_id())]);
    let first = reviews.batch_decide(request.clone()).await?.into_inner();
    assert_eq!(outcomes(&first.results), ["STATE_APPROVED", "PREDICTION_NOT_FOUND"]);
    // Who asks again is answered even if generation is away.
    stage.generation.refuse(Some(Code::Unavailable));
    assert_eq!(reviews.batch_decide(request.clone()).await?.into_inner(), first);
    stage.generation.refuse(None);
    assert_eq!(stage.decided(&shot).await?.len(), 1);
    let other = BatchDecideRequest { decisions: vec![approval(&pictures[1])], ..request };
    let status = refusal(reviews.batch_decide(other).await)?;
    assert_eq!(testkit::reason(&status), "REQUEST_ID_REUSED");

    let request = undo_all(&first.results);
    let undone = reviews.batch_undo_decisions(request.clone()).await?.into_inner();
    assert_eq!(outcomes(&undone.results), ["STATE_TO_REVIEW"]);
    assert_eq!(reviews.batch_undo_decisions(request.clone()).await?.into_inner(), undone);
    let other = BatchUndoDecisionsRequest { decision_ids: vec![request_id()], ..request };
    let status = refusal(reviews.batch_undo_decisions(other).await)?;
    assert_eq!(testkit::reason(&status), "REQUEST_ID_REUSED");
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn decisions_about_one_shot_count_those_before_them(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(3).await?;
    let mut reviews = stage.reviews();
    let n_told = stage.told().await?.len();
    let request = decide(pictures.iter().map(|it| rejection(it)));
    let rejected = reviews.batch_decide(request).await?.into_inner().results;
    // It is rejected with the last of its pictures.
    let review = "STATE_TO_REVIEW";
    assert_eq!(outcomes(&rejected), [review, review, "STATE_REJECTED"]);
    assert_eq!(rejected[2].shot, Some(stage.read(&shot).await?));
    let told = stage.told().await?.split_off(n_told);
    let changed = told.iter().filter(|it| matches!(it, Payload::ShotStateChanged(_))).count();
    assert_eq!(changed, 1);

    // What was rejected is approved, and the choice between two is the latter.
    let request = decide([rejection(&pictures[2]), approval(&pictures[0]), approval(&pictures[1])]);
    let approved = reviews.batch_decide(request).await?.into_inner().results;
    let done = "STATE_APPROVED";
    assert_eq!(outcomes(&approved), ["PREDICTION_DECIDED", done, done]);
    let selected = approved.iter().filter_map(|it| Some(&it.shot.as_ref()?.selected_prediction_id));
    assert_eq!(selected.collect::<Vec<_>>(), [&pictures[0], &pictures[1]]);
    let order: Vec<_> = [1, 0, 2, 1, 0].iter().map(|it: &usize| pictures[*it].clone()).collect();
    assert_eq!(stage.decided(&shot).await?, order);

    // All of it is undone from the latest to the first, and from nowhere else.
    let backwards = || rejected.iter().chain(&approved).rev();
    let mut request = undo_all(backwards());
    request.decision_ids.rotate_right(1);
    let undone = reviews.batch_undo_decisions(request).await?.into_inner().results;
    let expected = ["DECISION_NOT_LATEST", done, "STATE_REJECTED", review, review];
    assert_eq!(outcomes(&undone), expected);
    let undone = reviews.batch_undo_decisions(undo_all(backwards())).await?.into_inner().results;
    assert_eq!(outcomes(&undone)[..4], ["DECISION_UNDONE"; 4]);
    assert_eq!(outcomes(&undone)[4], review);
    assert_eq!(stage.read(&shot).await?.state(), State::ToReview);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn pictures_are_decided_about_before_their_events_have_come(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shots = stage.shots_of_a_look(20).await?;
    let add = |shot: &Shot, state| stage.generation.add(stage.organization, &shot.id, state);
    let mut ids: Vec<_> = shots.iter().map(|it| add(it, prediction::State::Ready)).collect();
    ids.extend((0..230).map(|_| request_id()));
    let request = decide(ids.iter().map(|it| approval(it)));
    let mut reviews = stage.reviews();
    stage.generation.refuse(Some(Code::Unavailable));
    let status = refusal(reviews.batch_decide(request.clone()).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::Unavailable, "GENERATION_UNAVAILABLE")
    );
    stage.generation.refuse(None);
    let results = reviews.batch_decide(request).await?.into_inner().results;
    assert_eq!(outcomes(&results)[..20], ["STATE_APPROVED"; 20]);
    assert_eq!(outcomes(&results)[20..], ["PREDICTION_NOT_FOUND"; 230]);
    // As many at a time as generation gives, and once more those that there are.
    assert_eq!(stage.generation.asked(), [100, 20, 100, 50]);
    let changes = stage.told().await?.into_iter().filter_map(|it| match it {
        Payload::ShootingStateChanged(it) => Some(it.to_state),
        _ => None,
    });
    assert_eq!(changes.collect::<Vec<_>>(), ["STATE_IN_REVIEW", "STATE_APPROVED"]);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn an_archived_shooting_and_another_organization_refuse_each_item(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (open, closed) = (stage.shots_to_review(1).await?, stage.shots_to_review(1).await?);
    let id = closed[0].0.shooting_id.clone();
    let archive = ArchiveShootingRequest { request_id: request_id(), id };
    let mut reviews = stage.reviews();
    let made = reviews.batch_decide(decide([approval(&closed[0].1)])).await?.into_inner().results;
    stage.shootings().archive_shooting(archive).await?;
    let request = decide([rejection(&closed[0].1), rejection(&open[0].1)]);
    let mut stranger = ReviewServiceClient::new(stage.stranger());
    let results = stranger.batch_decide(request.clone()).await?.into_inner().results;
    assert_eq!(outcomes(&results), ["PREDICTION_NOT_FOUND"; 2]);
    let results = reviews.batch_decide(request.clone()).await?.into_inner().results;
    assert_eq!(outcomes(&results), ["STATE_CONFLICT", "STATE_REJECTED"]);
    let results = reviews.batch_undo_decisions(undo_all(&made)).await?.into_inner().results;
    assert_eq!(outcomes(&results), ["STATE_CONFLICT"]);

    let mut viewer = ReviewServiceClient::new(stage.role(Role::Viewer));
    let status = refusal(viewer.batch_decide(request).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    let status = refusal(viewer.batch_undo_decisions(undo_all(&made)).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn bulks_that_cross_each_other_wait_in_one_order(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (a, b) = (stage.shots_to_review(4).await?, stage.shots_to_review(4).await?);
    let ids: Vec<_> = a.into_iter().chain(b).map(|it| it.1).collect();
    let mut bulks = JoinSet::new();
    for nth in 0..8 {
        let mut ids = ids.clone();
        ids.rotate_left(nth);
        let (mut reviews, request) = (stage.reviews(), decide(ids.iter().map(|it| approval(it))));
        bulks.spawn(async move { reviews.batch_decide(request).await });
    }
    let mut n_approved = 0;
    for reply in bulks.join_all().await {
        let results = outcomes(&reply?.into_inner().results);
        n_approved += results.iter().filter(|it| *it == "STATE_APPROVED").count();
    }
    // Each was approved by one of them, and found so by the others.
    assert_eq!(n_approved, ids.len());
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn every_field_at_fault_is_named_before_anything_is_decided(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (shot, pictures) = stage.shot_to_review(1).await?;
    let mut reviews = stage.reviews();
    let other = RejectReason::Other.into();
    let fresh = request_id;
    let request = decide([
        approval(&pictures[0]),
        DecisionInput { reason: other, ..rejection(&fresh()) },
        DecisionInput { reason: 0, ..rejection(&fresh()) },
        DecisionInput { reason: other, note: "a cat".into(), ..approval(&fresh()) },
        rejection(&pictures[0]),
    ]);
    let status = refusal(reviews.batch_decide(request).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::InvalidArgument, "FIELD_INVALID")
    );
    let paths = [
        "decisions[1].note",
        "decisions[2].reason",
        "decisions[3].reason",
        "decisions[3].note",
        "decisions[4].prediction_id",
    ];
    assert_eq!(testkit::fields(&status), paths);
    assert!(status.message().contains("that of `decisions[0]`"), "{}", status.message());

    let request = decide([
        DecisionInput { kind: Kind::Revise.into(), ..approval(&fresh()) },
        DecisionInput { kind: Kind::Unspecified.into(), ..approval(&fresh()) },
        DecisionInput { note: "x".repeat(1001), ..rejection(&fresh()) },
        approval("x"),
    ]);
    let status = refusal(reviews.batch_decide(request).await)?;
    let paths = ["[0].kind", "[1].kind", "[2].note", "[3].prediction_id"];
    assert_eq!(testkit::fields(&status), paths.map(|it| format!("decisions{it}")));
    for n in [0, 501] {
        let request = decide((0..n).map(|_| approval(&fresh())));
        let status = refusal(reviews.batch_decide(request).await)?;
        assert_eq!(testkit::fields(&status), ["decisions"]);
    }
    let undo = |ids: &[&str]| BatchUndoDecisionsRequest {
        request_id: request_id(),
        decision_ids: ids.iter().map(|it| (*it).to_owned()).collect(),
    };
    let id = fresh();
    for (ids, path) in [
        (&[] as &[&str], "decision_ids"),
        (&[&id, &id], "decision_ids"),
        (&[&id, "x"], "decision_ids[1]"),
    ] {
        let status = refusal(reviews.batch_undo_decisions(undo(ids)).await)?;
        assert_eq!(testkit::fields(&status), [path]);
    }
    assert!(stage.decided(&shot).await?.is_empty());
    Ok(())
}
