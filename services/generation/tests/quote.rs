//! What generations would cost.

use api::sartiq::generation::v1::QuoteGenerationRequest;
use api::sartiq::generation::v1::generation_service_client::GenerationServiceClient;
use server::Role;
use sqlx::PgPool;
use testkit::{fields, reason};
use tonic::Code;

use crate::stage::{IMAGE_MICROS, POST_MICROS, Result, Stage, refusal};

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_quote_is_the_price_of_a_picture_times_their_number(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut sets = [stage.set(), stage.set(), stage.set()];
    sets[1].shot_type.default_variants = 5;
    stage.library.put(stage.organization, &sets[1]);
    // The smallest id last, so that the order is that of the request.
    sets.reverse();
    let shot_ids: Vec<_> = sets.iter().map(|it| it.shot.id.clone()).collect();
    let quote = async |variant_count| {
        let request = QuoteGenerationRequest { shot_ids: shot_ids.clone(), variant_count };
        stage.generations().quote_generation(request).await.map(|it| it.into_inner())
    };

    let price = IMAGE_MICROS + POST_MICROS;
    let quoted = quote(0).await?;
    let seen: Vec<_> = quoted
        .quotes
        .iter()
        .map(|it| {
            let micros = it.cost.as_ref().map(|it| it.micros);
            (it.shot_id.clone(), it.variant_count, micros.unwrap_or_default())
        })
        .collect();
    let expected: Vec<_> = shot_ids
        .iter()
        .zip([2, 5, 2])
        .map(|(id, n)| (id.clone(), n, price * i64::from(n)))
        .collect();
    assert_eq!(seen, expected);
    let total = quoted.total.ok_or("no total")?;
    assert_eq!((total.micros, &*total.currency), (9 * price, "USD"));

    let total = quote(8).await?.total.ok_or("no total")?;
    assert_eq!(total.micros, 24 * price);

    // Each service was asked once for a whole quote, and nobody was asked to do anything.
    assert_eq!((stage.library.n_calls(), stage.compute.n_estimates()), (2 * 6, 2));
    assert!(stage.compute.submitted().is_empty());
    assert!(stage.told().await?.is_empty());
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn everything_that_is_wrong_with_a_request_is_said_at_once(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let request = QuoteGenerationRequest { shot_ids: vec!["blazer".into()], variant_count: 9 };
    let status = refusal(stage.generations().quote_generation(request).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::InvalidArgument, "FIELD_INVALID"));
    assert_eq!(fields(&status), ["shot_ids[0]", "variant_count"]);

    let shot = stage.set().shot.id;
    let request =
        QuoteGenerationRequest { shot_ids: vec![shot.clone(), shot], ..Default::default() };
    let status = refusal(stage.generations().quote_generation(request).await)?;
    assert_eq!(fields(&status), ["shot_ids"]);
    let status =
        refusal(stage.generations().quote_generation(QuoteGenerationRequest::default()).await)?;
    assert_eq!(fields(&status), ["shot_ids"]);
    assert_eq!(stage.library.n_calls(), 0);
    Ok(())
}

#[sqlx::test(migrator = "::generation::MIGRATIONS")]
async fn a_shot_that_cannot_be_generated_has_no_price(db: PgPool) -> Result {
    let stage = Stage::open(db).await?;
    let mut bare = stage.set();
    bare.product.photos.clear();
    stage.library.put(stage.organization, &bare);
    let shot_ids = vec![bare.shot.id, stage.set().shot.id];
    let request = QuoteGenerationRequest { shot_ids: shot_ids.clone(), variant_count: 1 };

    let status = refusal(stage.generations().quote_generation(request.clone()).await)?;
    let refused = (status.code(), reason(&status));
    assert_eq!(refused, (Code::FailedPrecondition, "PRODUCT_WITHOUT_PHOTO".to_owned()));
    assert_eq!(testkit::metadata(&status)["shot_id"], shot_ids[0]);

    let mut stranger = GenerationServiceClient::new(stage.stranger());
    let status = refusal(stranger.quote_generation(request.clone()).await)?;
    assert_eq!((status.code(), &*reason(&status)), (Code::NotFound, "SHOT_NOT_FOUND"));

    let mut viewer = GenerationServiceClient::new(stage.role(Role::Viewer));
    let status = refusal(viewer.quote_generation(request).await)?;
    assert_eq!(status.code(), Code::PermissionDenied);
    Ok(())
}
