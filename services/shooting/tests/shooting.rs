//! Shootings.

use api::sartiq::event::v1::event::Payload;
use api::sartiq::shooting::v1::shooting::State;
use api::sartiq::shooting::v1::shooting_service_client::ShootingServiceClient;
use api::sartiq::shooting::v1::*;
use prost_types::FieldMask;
use server::Role;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;

use crate::stage::{Result, Stage, changed, refusal};

fn creation(name: &str) -> CreateShootingRequest {
    let shooting = ShootingInput { name: name.to_owned(), brief: "for the web shop".into() };
    CreateShootingRequest { request_id: request_id(), shooting: Some(shooting) }
}

fn update(of: &Shooting, name: &str, path: &str) -> UpdateShootingRequest {
    UpdateShootingRequest {
        request_id: request_id(),
        id: of.id.clone(),
        etag: of.etag.clone(),
        shooting: Some(ShootingInput { name: name.to_owned(), brief: String::new() }),
        update_mask: Some(FieldMask { paths: vec![path.to_owned()] }),
    }
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_shooting_is_created_read_and_changed(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut shootings = stage.shootings();
    let request = creation(" Spring ");
    let created = shootings.create_shooting(request.clone()).await?.into_inner();
    assert_eq!(shootings.create_shooting(request.clone()).await?.into_inner(), created);
    let other = CreateShootingRequest { request_id: request.request_id, ..creation("Summer") };
    let status = refusal(shootings.create_shooting(other).await)?;
    assert_eq!(testkit::reason(&status), "REQUEST_ID_REUSED");

    let shooting = created.shooting.ok_or("no shooting")?;
    assert_eq!((shooting.name.as_str(), shooting.state()), ("Spring", State::Draft));
    assert_eq!((shooting.look_count, shooting.shots), (0, Some(ShotCounts::default())));
    assert_eq!(stage.read_shooting(&shooting.id).await?, shooting);

    let updated = shootings.update_shooting(update(&shooting, "Summer", "name")).await?;
    let updated = updated.into_inner().shooting.ok_or("no shooting")?;
    assert_eq!((updated.name.as_str(), updated.brief.as_str()), ("Summer", "for the web shop"));
    let status = refusal(shootings.update_shooting(update(&shooting, "Fall", "name")).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let status = refusal(shootings.update_shooting(update(&updated, "Fall", "season")).await)?;
    assert!(status.message().contains("`season`"), "{}", status.message());
    let status = refusal(shootings.create_shooting(creation(" ")).await)?;
    assert_eq!(testkit::fields(&status), ["shooting.name"]);

    let told = stage.told().await?;
    let [Payload::ShootingCreated(event)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((event.from_state.as_str(), event.to_state.as_str()), ("", "STATE_DRAFT"));
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn an_archived_shooting_is_hidden_and_closed(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut shootings = stage.shootings();
    let id = stage.shooting().await?.id;
    let archive = || ArchiveShootingRequest { request_id: request_id(), id: id.clone() };
    let restore = || RestoreShootingRequest { request_id: request_id(), id: id.clone() };
    let archived = shootings.archive_shooting(archive()).await?.into_inner().shooting;
    assert_eq!(archived.map(|it| it.state()), Some(State::Archived));
    let status = refusal(shootings.archive_shooting(archive()).await)?;
    assert_eq!(testkit::reason(&status), "STATE_CONFLICT");
    assert_eq!(testkit::metadata(&status).get("state").map(String::as_str), Some("archived"));
    let look = CreateLookRequest {
        request_id: request_id(),
        shooting_id: id.clone(),
        look: Some(stage.look(1)),
    };
    let status = refusal(stage.looks().create_look(look).await)?;
    assert_eq!(testkit::reason(&status), "STATE_CONFLICT");

    let mut shown = async |show_archived| -> Result<usize> {
        let request = ListShootingsRequest { show_archived, ..Default::default() };
        Ok(shootings.list_shootings(request).await?.into_inner().shootings.len())
    };
    assert_eq!((shown(false).await?, shown(true).await?), (0, 1));
    let restored = shootings.restore_shooting(restore()).await?.into_inner().shooting;
    assert_eq!(restored.map(|it| it.state()), Some(State::Draft));
    assert!(refusal(shootings.restore_shooting(restore()).await).is_ok());
    let told = stage.told().await?;
    assert!(matches!(
        told[1..],
        [Payload::ShootingStateChanged(_), Payload::ShootingStateChanged(_)]
    ));
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_shooting_is_not_archived_while_a_generation_runs(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shots = stage.shots_of_a_look(1).await?;
    let (generation, _) = stage.generate(&shots[0], 1).await?;
    stage.await_quiet().await?;
    let id = shots[0].shooting_id.clone();
    let archive = || ArchiveShootingRequest { request_id: request_id(), id: id.clone() };
    let status = refusal(stage.shootings().archive_shooting(archive()).await)?;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(testkit::reason(&status), "GENERATION_RUNNING");
    stage.tell(Payload::GenerationCompleted(changed(&shots[0], &generation))).await?;
    stage.await_quiet().await?;
    stage.shootings().archive_shooting(archive()).await?;
    let restore = RestoreShootingRequest { request_id: request_id(), id: id.clone() };
    let restored = stage.shootings().restore_shooting(restore).await?.into_inner().shooting;
    assert_eq!(restored.map(|it| it.state()), Some(State::InReview));
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn the_state_follows_from_the_shots(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shots = stage.shots_of_a_look(2).await?;
    let id = &shots[0].shooting_id;
    assert_eq!(stage.read_shooting(id).await?.state(), State::Draft);
    let (_, first) = stage.generate(&shots[0], 1).await?;
    stage.await_quiet().await?;
    let shooting = stage.read_shooting(id).await?;
    assert_eq!(shooting.state(), State::InProduction);
    let counts = shooting.shots.ok_or("no counts")?;
    assert_eq!((shooting.look_count, counts.planned, counts.to_review), (1, 1, 1));
    let (_, second) = stage.generate(&shots[1], 1).await?;
    stage.await_quiet().await?;
    assert_eq!(stage.read_shooting(id).await?.state(), State::InReview);
    for prediction_id in first.into_iter().chain(second) {
        let request = ApprovePredictionRequest { request_id: request_id(), prediction_id };
        stage.reviews().approve_prediction(request).await?;
    }
    assert_eq!(stage.read_shooting(id).await?.state(), State::Approved);
    let changes = stage.told().await?.into_iter().filter_map(|it| match it {
        Payload::ShootingStateChanged(it) => Some((it.from_state, it.to_state)),
        _ => None,
    });
    let words = ["STATE_DRAFT", "STATE_IN_PRODUCTION", "STATE_IN_REVIEW", "STATE_APPROVED"];
    let path: Vec<_> = words.windows(2).map(|it| (it[0].to_owned(), it[1].to_owned())).collect();
    assert_eq!(changes.collect::<Vec<_>>(), path);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn strangers_find_nothing_and_viewers_change_nothing(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shooting = stage.shooting().await?;
    let mut stranger = ShootingServiceClient::new(stage.stranger());
    let get = GetShootingRequest { id: shooting.id.clone() };
    let status = refusal(stranger.get_shooting(get.clone()).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::NotFound, "SHOOTING_NOT_FOUND")
    );
    let status = refusal(stranger.update_shooting(update(&shooting, "Mine", "name")).await)?;
    assert_eq!(status.code(), Code::NotFound);
    let archive = ArchiveShootingRequest { request_id: request_id(), id: shooting.id };
    assert_eq!(refusal(stranger.archive_shooting(archive).await)?.code(), Code::NotFound);
    let listed = stranger.list_shootings(ListShootingsRequest::default()).await?.into_inner();
    assert_eq!(listed.shootings, []);

    let mut viewer = ShootingServiceClient::new(stage.role(Role::Viewer));
    viewer.get_shooting(get).await?;
    let status = refusal(viewer.create_shooting(creation("Mine")).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn lists_show_the_newest_first(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut shootings = stage.shootings();
    for name in ["a", "b", "c"] {
        shootings.create_shooting(creation(name)).await?;
    }
    let request = ListShootingsRequest { page_size: 2, ..Default::default() };
    let page = shootings.list_shootings(request).await?.into_inner();
    assert_eq!(page.shootings.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["c", "b"]);
    let page_token = page.next_page_token;
    let request = ListShootingsRequest { page_token: page_token.clone(), ..Default::default() };
    let page = shootings.list_shootings(request).await?.into_inner();
    assert_eq!(page.shootings.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a"]);
    let request = ListShootingsRequest { page_token, show_archived: true, page_size: 0 };
    let status = refusal(shootings.list_shootings(request).await)?;
    assert_eq!(testkit::reason(&status), "PAGE_TOKEN_INVALID");
    Ok(())
}
