//! Reading generations.

use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use api::sartiq::generation::v1::*;
use server::Role;
use sqlx::PgPool;
use testkit::{fields, reason};
use tonic::Code;

use crate::stage::{Result, Stage, refusal};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn pages_hold_everything_once_newest_first(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.push(stage.start(&set, 1).await?.id);
    }
    expected.reverse();
    let mut client = GenerationServiceClient::new(stage.role(Role::Viewer));
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    let mut request = ListGenerationsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = client.list_generations(request.clone()).await?.into_inner();
        sizes.push(page.generations.len());
        seen.extend(page.generations.into_iter().map(|it| it.id));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        // What comes in between is not seen, and moves nothing.
        stage.start(&set, 1).await?;
    }
    assert_eq!((seen, sizes), (expected, vec![2, 2, 1]));
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn filters_narrow_a_list_and_tokens_belong_to_their_filter(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let (a, b) = (stage.set(), stage.set());
    let first = stage.start(&a, 1).await?;
    let second = stage.start(&a, 1).await?;
    let third = stage.start(&b, 1).await?;
    let list = async |request: ListGenerationsRequest| {
        let page = stage.generations().list_generations(request).await?.into_inner();
        let ids: Vec<_> = page.generations.into_iter().map(|it| it.id).collect();
        Ok::<_, tonic::Status>((ids, page.next_page_token))
    };
    let of_shot = ListGenerationsRequest { shot_id: a.shot.id.clone(), ..Default::default() };
    assert_eq!(list(of_shot.clone()).await?.0, [&*second.id, &first.id]);
    let of_shooting =
        ListGenerationsRequest { shooting_id: b.shot.shooting_id.clone(), ..Default::default() };
    assert_eq!(list(of_shooting.clone()).await?.0, [third.id]);
    let neither = ListGenerationsRequest { shot_id: a.shot.id.clone(), ..of_shooting };
    assert!(list(neither).await?.0.is_empty());

    let (_, page_token) = list(ListGenerationsRequest { page_size: 1, ..of_shot }).await?;
    for page_token in [page_token, "made up".to_owned()] {
        let other = ListGenerationsRequest { page_token, ..Default::default() };
        let status = refusal(stage.generations().list_generations(other).await)?;
        let refused = (status.code(), reason(&status));
        assert_eq!(refused, (Code::InvalidArgument, "PAGE_TOKEN_INVALID".to_owned()));
    }
    let odd = ListGenerationsRequest {
        shot_id: "a".into(),
        shooting_id: "b".into(),
        ..Default::default()
    };
    let status = refusal(stage.generations().list_generations(odd).await)?;
    assert_eq!(fields(&status), ["shot_id", "shooting_id"]);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn states_narrow_a_list_and_pages_stay_where_they_are(db: PgPool) -> Result {
    use api::sartiq::generation::v1::generation::State;
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let (done, _) = stage.made(&set).await?;
    let pending = stage.start(&set, 1).await?;
    let running = stage.start(&set, 1).await?;
    stage.tell(stage.task_started(&running, "prompt")).await?;
    stage.await_state(&running, State::Processing).await?;
    let elsewhere = stage.start(&stage.set(), 1).await?;
    let narrowed = |states: &[State]| ListGenerationsRequest {
        states: states.iter().map(|it| i32::from(*it)).collect(),
        ..Default::default()
    };
    let list = async |request: ListGenerationsRequest| {
        let page = stage.generations().list_generations(request).await?.into_inner();
        let ids: Vec<_> = page.generations.into_iter().map(|it| it.id).collect();
        Ok::<_, tonic::Status>((ids, page.next_page_token))
    };
    let open = narrowed(&[State::Processing, State::Pending]);
    assert_eq!(list(open.clone()).await?.0, [&*elsewhere.id, &running.id, &pending.id]);
    assert_eq!(list(narrowed(&[State::Completed])).await?.0, [&*done.id]);
    assert!(list(narrowed(&[State::Failed])).await?.0.is_empty());
    let of_shot = ListGenerationsRequest { shot_id: set.shot.id.clone(), ..open.clone() };
    assert_eq!(list(of_shot).await?.0, [&*running.id, &pending.id]);
    let shooting_id = set.shot.shooting_id.clone();
    let of_shooting = ListGenerationsRequest { shooting_id, ..open.clone() };
    assert_eq!(list(of_shooting).await?.0, [&*running.id, &pending.id]);

    // The order of the states is not part of what is asked; which they are is.
    let (first, page_token) = list(ListGenerationsRequest { page_size: 1, ..open }).await?;
    assert_eq!(first, [&*elsewhere.id]);
    let turned = narrowed(&[State::Pending, State::Processing]);
    // What leaves a list while it is read moves nothing else.
    stage.make(&running, 0).await?;
    stage.await_state(&running, State::Completed).await?;
    let turned = ListGenerationsRequest { page_token: page_token.clone(), ..turned };
    assert_eq!(list(turned).await?, (vec![pending.id], String::new()));
    let other = ListGenerationsRequest { page_token, ..narrowed(&[State::Pending]) };
    let status = refusal(stage.generations().list_generations(other).await)?;
    assert_eq!(reason(&status), "PAGE_TOKEN_INVALID");
    for states in [vec![0], vec![9], vec![1, 1]] {
        let odd = ListGenerationsRequest { states, ..Default::default() };
        let status = refusal(stage.generations().list_generations(odd).await)?;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(fields(&status)[0].starts_with("states"), "{status:?}");
    }
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn strangers_see_nothing(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let set = stage.set();
    let generation = stage.start(&set, 1).await?;
    let mut stranger = GenerationServiceClient::new(stage.stranger());
    let request = ListGenerationsRequest { shot_id: set.shot.id, ..Default::default() };
    assert!(stranger.list_generations(request).await?.into_inner().generations.is_empty());
    let request = GetGenerationRequest { id: generation.id.clone() };
    let status = refusal(stranger.get_generation(request).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "GENERATION_NOT_FOUND"));
    let request = WatchGenerationRequest { id: generation.id };
    let status = refusal(stranger.watch_generation(request).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "GENERATION_NOT_FOUND"));
    Ok(())
}
