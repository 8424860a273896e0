//! Looks.

use api::sartiq::event::v1::LookChanged;
use api::sartiq::event::v1::event::Payload;
use api::sartiq::shooting::v1::look_service_client::LookServiceClient;
use api::sartiq::shooting::v1::shot::State;
use api::sartiq::shooting::v1::*;
use prost_types::FieldMask;
use sqlx::PgPool;
use testkit::request_id;
use tonic::Code;
use types::id::{OrganizationId, StyleId};

use crate::stage::{Result, Stage, refusal};

fn creation(shooting: &Shooting, look: LookInput) -> CreateLookRequest {
    CreateLookRequest {
        request_id: request_id(),
        shooting_id: shooting.id.clone(),
        look: Some(look),
    }
}

fn batch(shooting: &Shooting, looks: Vec<LookInput>) -> BatchCreateLooksRequest {
    BatchCreateLooksRequest { request_id: request_id(), shooting_id: shooting.id.clone(), looks }
}

fn update(of: &Look, look: LookInput, path: &str) -> UpdateLookRequest {
    UpdateLookRequest {
        request_id: request_id(),
        id: of.id.clone(),
        etag: of.etag.clone(),
        look: Some(look),
        update_mask: Some(FieldMask { paths: vec![path.to_owned()] }),
    }
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_look_has_a_planned_shot_for_each_shot_type(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut looks = stage.looks();
    let shooting = stage.shooting().await?;
    let input = stage.look(3);
    let request = creation(&shooting, input.clone());
    let created = looks.create_look(request.clone()).await?.into_inner();
    let look = created.look.clone().ok_or("no look")?;
    assert_eq!(look.name, format!("product {}", input.product_id));
    assert_eq!(look.guideline_ids, input.guideline_ids);
    let shot_types: Vec<_> = created.shots.iter().map(|it| it.shot_type_id.clone()).collect();
    assert_eq!(shot_types, input.shot_type_ids);
    assert!(created.shots.iter().all(|it| it.state() == State::Planned && it.look_id == look.id));

    let read = looks.get_look(GetLookRequest { id: look.id.clone() }).await?.into_inner();
    assert_eq!((read.look.as_ref(), &read.shots), (Some(&look), &created.shots));
    let shooting = stage.read_shooting(&shooting.id).await?;
    assert_eq!((shooting.look_count, shooting.shots.map(|it| it.planned)), (1, Some(3)));

    // The same request again is answered from memory, whatever the catalog says by then.
    stage.catalog.set_away(true);
    assert_eq!(looks.create_look(request.clone()).await?.into_inner(), created);
    let other = CreateLookRequest { look: Some(stage.look(1)), ..request };
    let status = refusal(looks.create_look(other).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    let status = refusal(looks.create_look(creation(&shooting, stage.look(1))).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::Unavailable, "CATALOG_UNAVAILABLE")
    );
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_batch_asks_the_catalog_five_times(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shooting = stage.shooting().await?;
    let inputs: Vec<_> = (0..20).map(|_| stage.look(2)).collect();
    let request = batch(&shooting, inputs.clone());
    let created = stage.looks().batch_create_looks(request.clone()).await?.into_inner();
    assert_eq!((created.looks.len(), created.shots.len()), (20, 40));
    let products: Vec<_> = created.looks.iter().map(|it| it.product_id.clone()).collect();
    assert_eq!(products, inputs.iter().map(|it| it.product_id.clone()).collect::<Vec<_>>());
    assert_eq!(stage.catalog.n_calls(), 5);
    assert_eq!(stage.looks().batch_create_looks(request).await?.into_inner(), created);
    assert_eq!(stage.catalog.n_calls(), 5);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_batch_is_refused_whole_and_names_every_field(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let shooting = stage.shooting().await?;
    let mut inputs: Vec<_> = (0..4).map(|_| stage.look(2)).collect();
    inputs[1].style_id = StyleId::generate().to_string();
    inputs[2].product_id = stage.catalog.add(OrganizationId::generate());
    inputs[2].shot_type_ids[1] = StyleId::generate().to_string();
    stage.catalog.archive(&inputs[3].product_id);
    let status = refusal(stage.looks().batch_create_looks(batch(&shooting, inputs)).await)?;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(testkit::reason(&status), "FIELD_INVALID");
    // An archived product is found out where all products are known.
    assert_eq!(
        testkit::fields(&status),
        ["looks[1].style_id", "looks[2].product_id", "looks[2].shot_type_ids[1]"]
    );
    assert_eq!(stage.read_shooting(&shooting.id).await?.look_count, 0);

    let input = stage.look(1);
    stage.catalog.archive(&input.product_id);
    let status = refusal(stage.looks().create_look(creation(&shooting, input)).await)?;
    assert_eq!(testkit::fields(&status), ["look.product_id"]);
    let twice = LookInput {
        shot_type_ids: vec![stage.catalog.add(stage.organization); 2],
        ..stage.look(1)
    };
    let status = refusal(stage.looks().create_look(creation(&shooting, twice)).await)?;
    assert_eq!(status.code(), Code::InvalidArgument);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn shot_types_come_and_go_with_their_shots(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut looks = stage.looks();
    let shooting = stage.shooting().await?;
    let input = stage.look(2);
    let created = looks.create_look(creation(&shooting, input.clone())).await?.into_inner();
    let look = created.look.ok_or("no look")?;
    let kept = &created.shots[1];
    stage.generate(kept, 1).await?;
    stage.await_quiet().await?;

    // The first goes, the second becomes the second after a new one.
    let new = stage.catalog.add(stage.organization);
    let shot_type_ids = vec![new.clone(), kept.shot_type_id.clone()];
    let changed = LookInput { shot_type_ids: shot_type_ids.clone(), ..input.clone() };
    let request = update(&look, changed, "shot_type_ids");
    let updated = looks.update_look(request.clone()).await?.into_inner();
    assert_eq!(looks.update_look(request).await?.into_inner(), updated);
    let look = updated.look.ok_or("no look")?;
    assert_eq!(look.shot_type_ids, shot_type_ids);
    let shots: Vec<_> = updated.shots.iter().map(|it| it.shot_type_id.clone()).collect();
    assert_eq!(shots, shot_type_ids);
    assert_eq!((updated.shots[0].state(), &updated.shots[1].id), (State::Planned, &kept.id));

    let without = LookInput { shot_type_ids: vec![new], ..input.clone() };
    let status = refusal(looks.update_look(update(&look, without, "shot_type_ids")).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::FailedPrecondition, "SHOT_IN_USE")
    );
    assert_eq!(testkit::metadata(&status).get("shot_id"), Some(&kept.id));
    let delete = DeleteLookRequest { request_id: request_id(), id: look.id.clone() };
    let status = refusal(looks.delete_look(delete).await)?;
    assert_eq!(testkit::reason(&status), "SHOT_IN_USE");

    let named = LookInput { name: "Evening".into(), ..input.clone() };
    let updated = looks.update_look(update(&look, named, "name")).await?.into_inner();
    let look = updated.look.ok_or("no look")?;
    assert_eq!((look.name.as_str(), &look.shot_type_ids), ("Evening", &shot_type_ids));
    let status = refusal(looks.update_look(update(&look, input, "season")).await)?;
    assert!(status.message().contains("`season`"));
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn a_look_without_pictures_is_deleted(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut looks = stage.looks();
    let shooting = stage.shooting().await?;
    let created = looks.create_look(creation(&shooting, stage.look(2))).await?.into_inner();
    let id = created.look.ok_or("no look")?.id;
    let request = DeleteLookRequest { request_id: request_id(), id: id.clone() };
    looks.delete_look(request.clone()).await?;
    looks.delete_look(request).await?;
    let status = refusal(looks.get_look(GetLookRequest { id }).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::NotFound, "LOOK_NOT_FOUND")
    );
    let shooting = stage.read_shooting(&shooting.id).await?;
    assert_eq!((shooting.look_count, shooting.shots.map(|it| it.planned)), (0, Some(0)));
    Ok(())
}

/// What was told of looks: the word for it, and which look it was.
async fn told(stage: &Stage) -> Result<Vec<(&'static str, LookChanged)>> {
    let told = stage.told().await?.into_iter().filter_map(|it| match it {
        Payload::LookCreated(it) => Some(("created", it)),
        Payload::LookUpdated(it) => Some(("updated", it)),
        Payload::LookDeleted(it) => Some(("deleted", it)),
        _ => None,
    });
    Ok(told.collect())
}

fn changed(look: &Look) -> LookChanged {
    LookChanged {
        look_id: look.id.clone(),
        shooting_id: look.shooting_id.clone(),
        name: look.name.clone(),
        product_id: look.product_id.clone(),
    }
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn every_change_of_a_look_is_told_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut looks = stage.looks();
    let shooting = stage.shooting().await?;
    let input = stage.look(1);
    let request = creation(&shooting, input.clone());
    let first = looks.create_look(request.clone()).await?.into_inner().look.ok_or("no look")?;
    looks.create_look(request).await?;
    let several = batch(&shooting, vec![stage.look(1), stage.look(2)]);
    let others = looks.batch_create_looks(several.clone()).await?.into_inner().looks;
    looks.batch_create_looks(several).await?;
    let mut expected: Vec<_> =
        std::iter::once(&first).chain(&others).map(|it| ("created", changed(it))).collect();
    assert_eq!(told(&stage).await?, expected);

    // What changes nothing, and what is refused, is not worth telling.
    let same = LookInput { name: first.name.clone(), ..input.clone() };
    looks.update_look(update(&first, same, "name")).await?;
    let evening = LookInput { name: "Evening".into(), ..input.clone() };
    let stale =
        UpdateLookRequest { etag: "\"7\"".into(), ..update(&first, evening.clone(), "name") };
    refusal(looks.update_look(stale).await)?;
    let mut nothing = stage.look(1);
    nothing.style_id = StyleId::generate().to_string();
    refusal(looks.create_look(creation(&shooting, nothing)).await)?;
    assert_eq!(told(&stage).await?, expected);

    let request = update(&first, evening, "name");
    let renamed = looks.update_look(request.clone()).await?.into_inner().look.ok_or("no look")?;
    looks.update_look(request).await?;
    expected.push(("updated", LookChanged { name: "Evening".into(), ..changed(&first) }));
    let more = vec![input.shot_type_ids[0].clone(), stage.catalog.add(stage.organization)];
    let more = LookInput { shot_type_ids: more, ..input };
    looks.update_look(update(&renamed, more, "shot_type_ids")).await?;
    expected.push(("updated", changed(&renamed)));
    assert_eq!(told(&stage).await?, expected);

    let request = DeleteLookRequest { request_id: request_id(), id: others[0].id.clone() };
    looks.delete_look(request.clone()).await?;
    looks.delete_look(request).await?;
    let again = DeleteLookRequest { request_id: request_id(), id: others[0].id.clone() };
    assert_eq!(refusal(looks.delete_look(again).await)?.code(), Code::NotFound);
    expected.push(("deleted", changed(&others[0])));
    assert_eq!(told(&stage).await?, expected);
    Ok(())
}

#[sqlx::test(migrator = "::shooting::MIGRATIONS")]
async fn looks_are_listed_in_their_order_and_to_their_organization(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut looks = stage.looks();
    let shooting = stage.shooting().await?;
    for name in ["a", "b", "c"] {
        let look = LookInput { name: name.to_owned(), ..stage.look(1) };
        looks.create_look(creation(&shooting, look)).await?;
    }
    let list = |page_token| ListLooksRequest {
        shooting_id: shooting.id.clone(),
        page_size: 2,
        page_token,
    };
    let first = looks.list_looks(list(String::new())).await?.into_inner();
    let second = looks.list_looks(list(first.next_page_token)).await?.into_inner();
    let names = first.looks.iter().chain(&second.looks).map(|it| it.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(second.next_page_token, "");

    let mut stranger = LookServiceClient::new(stage.stranger());
    let look = first.looks.into_iter().next().ok_or("no look")?;
    let status = refusal(stranger.list_looks(list(String::new())).await)?;
    assert_eq!(
        (status.code(), testkit::reason(&status).as_str()),
        (Code::NotFound, "SHOOTING_NOT_FOUND")
    );
    let get = GetLookRequest { id: look.id.clone() };
    assert_eq!(refusal(stranger.get_look(get).await)?.code(), Code::NotFound);
    let delete = DeleteLookRequest { request_id: request_id(), id: look.id };
    assert_eq!(refusal(stranger.delete_look(delete).await)?.code(), Code::NotFound);
    let status = refusal(stranger.create_look(creation(&shooting, stage.look(1))).await)?;
    assert_eq!(status.code(), Code::InvalidArgument, "its catalog has none of it");
    Ok(())
}
