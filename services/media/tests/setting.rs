//! Settings that nothing later could mend are refused at the start.

use media::ObjectsConfig;
use testkit::Bucket;

use crate::stage::Result;

fn config(bucket: &Bucket) -> ObjectsConfig {
    ObjectsConfig {
        s3_endpoint_url: bucket.endpoint.clone(),
        s3_public_url: None,
        s3_access_key: bucket.access_key.clone(),
        s3_secret_key: bucket.secret_key.clone().into(),
        s3_bucket: bucket.name.clone(),
        s3_region: "us-east-1".to_owned(),
    }
}

#[tokio::test]
async fn a_wrong_key_or_bucket_is_refused() -> Result {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bucket = testkit::bucket().await;
    media::check(&config(&bucket)).await?;
    let wrong = ObjectsConfig { s3_secret_key: "wrong".into(), ..config(&bucket) };
    assert!(media::check(&wrong).await.is_err());
    let missing = ObjectsConfig { s3_bucket: "missing".to_owned(), ..config(&bucket) };
    assert!(media::check(&missing).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_away_may_come() -> Result {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bucket = testkit::bucket().await;
    let away = ObjectsConfig { s3_endpoint_url: "http://127.0.0.1:1".into(), ..config(&bucket) };
    media::check(&away).await?;
    Ok(())
}
