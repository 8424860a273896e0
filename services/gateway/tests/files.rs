//! `/files/…` and `/exports/…`: where the bytes are, for those who may have them.

use std::error::Error;
use std::sync::{Arc, Mutex};

use api::sartiq::delivery::v1::{SignDownloadRequest, SignDownloadResponse};
use api::sartiq::media::v1::{SignUrlsRequest, SignUrlsResponse, SignedUrl};
use http::{StatusCode, header};
use server::{Caller, Role};
use testkit::{Claims, StandIn, signer, token};
use tonic::Status;
use types::id::{OrganizationId, UserId};

use crate::upstream::{Answer, Door};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

const ID: &str = "0198f2a0-0000-7000-8000-000000000001";
/// Media signs no URL for this one, and delivery has nothing to download yet.
const ODD_ID: &str = "0198f2a0-0000-7000-8000-000000000002";

/// A gateway before a media and a delivery that know what one organization has.
struct Stage {
    door: Door,
    organization: OrganizationId,
    /// The requests that media and delivery were asked within.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    async fn open() -> Result<Self> {
        let organization = OrganizationId::generate();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let noted = requests.clone();
        let is_known = move |caller: &Caller, id: &str| {
            noted.lock().expect("no holder panics").push(caller.request_id.clone());
            let is_own = caller.organization_id == Some(organization);
            match is_own && [ID, ODD_ID].contains(&id) {
                true => Ok(()),
                false => Err(Status::not_found("it does not exist")),
            }
        };
        let may_read = is_known.clone();
        let sign = move |caller: Caller, request: SignUrlsRequest| {
            let wanted = request.urls.into_iter().next().unwrap_or_default();
            may_read(&caller, &wanted.media_id)?;
            let (size, name) = (wanted.long_edge_px, wanted.download_filename);
            let url = format!("https://files.example.com/{ID}?size={size}&name={name}");
            let url = if wanted.media_id == ODD_ID { String::new() } else { url };
            Ok(SignUrlsResponse { urls: vec![SignedUrl { url, ..Default::default() }] })
        };
        let media = StandIn::default().rpc("/sartiq.media.v1.MediaService/SignUrls", sign);
        let sign = move |caller: Caller, request: SignDownloadRequest| {
            is_known(&caller, &request.id)?;
            if request.id == ODD_ID {
                return Err(Status::failed_precondition("there is no zip yet"));
            }
            let url = "https://files.example.com/a.zip".to_owned();
            Ok(SignDownloadResponse { url, expire_time: None })
        };
        let path = "/sartiq.delivery.v1.ExportService/SignDownload";
        let delivery = StandIn::default().rpc(path, sign);
        let media_url = testkit::serve_at(&testkit::mesh("media"), media.routes()).await;
        let delivery_url = testkit::serve_at(&testkit::mesh("delivery"), delivery.routes()).await;
        let door = Door::open_with(|config| {
            config.upstreams.media_url = media_url;
            config.upstreams.delivery_url = delivery_url;
        });
        Ok(Self { door: door.await?, organization, requests })
    }

    fn token(&self) -> String {
        token(Role::Viewer, self.organization)
    }

    /// Gets `path` with the token in the header, or without one.
    async fn get(&self, path: &str, token: Option<&str>) -> Result<Answer> {
        let bearer = token.map(|it| format!("Bearer {it}"));
        let headers: Vec<_> = bearer.iter().map(|it| ("authorization", it.as_str())).collect();
        self.door.send("GET", path, "", b"", &headers).await
    }
}

#[tokio::test]
async fn a_file_is_where_media_says() -> Result {
    let stage = Stage::open().await?;
    let token = stage.token();
    let path = format!("/files/{ID}?size=512&download=a%20blazer.png");
    let in_header = stage.get(&path, Some(&token)).await?;
    assert_eq!(in_header.status, StatusCode::FOUND);
    let location = format!("https://files.example.com/{ID}?size=512&name=a blazer.png");
    assert_eq!(in_header.header("location"), location);
    // Browsers may keep it for a while, and nobody between them and us.
    assert_eq!(in_header.header("cache-control"), "private, max-age=120");
    assert!(in_header.header("vary").contains("authorization"));
    assert_eq!(in_header.header("referrer-policy"), "no-referrer");
    assert_eq!(in_header.header("x-content-type-options"), "nosniff");

    // As `<img src>` asks, which sends no headers.
    let in_query = stage.get(&format!("/files/{ID}?token={token}"), None).await?;
    assert_eq!(in_query.status, StatusCode::FOUND);
    let location = format!("https://files.example.com/{ID}?size=0&name=");
    assert_eq!(in_query.header("location"), location);
    Ok(())
}

#[tokio::test]
async fn a_zip_is_where_delivery_says_and_nobody_remembers_it() -> Result {
    let stage = Stage::open().await?;
    let token = stage.token();
    let path = format!("/exports/{ID}/download");
    for answer in [
        stage.get(&path, Some(&token)).await?,
        stage.get(&format!("{path}?token={token}"), None).await?,
    ] {
        assert_eq!(answer.status, StatusCode::FOUND);
        assert_eq!(answer.header("location"), "https://files.example.com/a.zip");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    let answer = stage.get(&format!("/exports/{ODD_ID}/download"), Some(&token)).await?;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(answer.body, "there is no zip yet\n");
    Ok(())
}

#[tokio::test]
async fn a_request_has_one_id_all_the_way() -> Result {
    let stage = Stage::open().await?;
    let bearer = format!("Bearer {}", stage.token());
    for path in [format!("/files/{ID}"), format!("/exports/{ID}/download")] {
        let headers = [("authorization", bearer.as_str()), ("x-request-id", "a-click")];
        let named = stage.door.send("GET", &path, "", b"", &headers).await?;
        assert_eq!(named.header("x-request-id"), "a-click");
        // Refusals have one, too, by which they can be found.
        let unnamed = stage.get(&path, None).await?;
        assert_eq!(unnamed.header("x-request-id").len(), 36);
    }
    let requests = stage.requests.lock().expect("no holder panics").clone();
    assert_eq!(requests, ["a-click", "a-click"]);
    Ok(())
}

#[tokio::test]
async fn only_those_who_prove_who_they_are_are_told() -> Result {
    let stage = Stage::open().await?;
    let claims = || Claims::user(UserId::generate(), Role::Viewer, stage.organization);
    let expired = signer().sign(&Claims { iat: 1_000, exp: 2_000, ..claims() });
    let elsewhere = signer().sign(&Claims { aud: "elsewhere".into(), ..claims() });
    for path in [format!("/files/{ID}"), format!("/exports/{ID}/download")] {
        let nobody = stage.get(&path, None).await?;
        assert_eq!(nobody.body, "sign in first\n");
        let mut answers = vec![nobody];
        for token in [&*expired, &elsewhere, "made-up", ""] {
            answers.push(stage.get(&path, Some(token)).await?);
            answers.push(stage.get(&format!("{path}?token={token}"), None).await?);
        }
        for answer in answers {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{:?}", answer.body);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.headers.get(header::LOCATION), None);
        }
        // A header wins over the query, so that nobody is taken for somebody else.
        let both = stage.get(&format!("{path}?token={}", stage.token()), Some(&expired)).await?;
        assert_eq!(both.status, StatusCode::UNAUTHORIZED);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_and_what_is_somebody_elses_look_the_same() -> Result {
    let stage = Stage::open().await?;
    let stranger = token(Role::Owner, OrganizationId::generate());
    let own = stage.token();
    for (before, after) in [("/files/", ""), ("/exports/", "/download")] {
        let foreign = stage.get(&format!("{before}{ID}{after}"), Some(&stranger)).await?;
        let missing = before.to_owned() + "0198f2a0-0000-7000-8000-000000000003" + after;
        let missing = stage.get(&missing, Some(&own)).await?;
        assert_eq!((foreign.status, &foreign.body), (StatusCode::NOT_FOUND, &missing.body));
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
        assert_eq!(missing.header("cache-control"), "no-store");
        // An id that would lead elsewhere stays one id.
        let odd = stage.get(&format!("{before}..%2F..%2Fa{after}"), Some(&own)).await?;
        assert_eq!(odd.status, StatusCode::NOT_FOUND);
    }
    let odd = stage.get(&format!("/files/{ID}?size=large"), Some(&own)).await?;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    Ok(())
}

#[tokio::test]
async fn a_redirect_never_leads_back_to_itself() -> Result {
    let stage = Stage::open().await?;
    let answer = stage.get(&format!("/files/{ODD_ID}"), Some(&stage.token())).await?;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.headers.get(header::LOCATION), None);
    Ok(())
}

#[tokio::test]
async fn files_are_read_and_nothing_else() -> Result {
    let stage = Stage::open().await?;
    let bearer = format!("Bearer {}", stage.token());
    let headers = [("authorization", bearer.as_str())];
    for path in [format!("/files/{ID}"), format!("/exports/{ID}/download")] {
        let head = stage.door.send("HEAD", &path, "", b"", &headers).await?;
        assert_eq!(head.status, StatusCode::FOUND);
        assert!(head.headers.contains_key(header::LOCATION) && head.body.is_empty());
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let answer = stage.door.send(method, &path, "", b"", &headers).await?;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(answer.header("allow"), "GET,HEAD", "{method}");
        }
    }
    // A media that is away is not a file that is missing.
    let door = Door::open().await?;
    let answer = door.send("GET", &format!("/files/{ID}"), "", b"", &headers).await?;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    Ok(())
}
