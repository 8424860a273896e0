//! What the guard lets through, seen by canaries on loopback that count who comes.

use std::{
    error::Error as StdError,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    http::header,
    response::Redirect,
    routing::{any, get},
};
use fetch::{Client, Error, Lookup, Policy, Refusal, Request};
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use url::Url;

type Result<T = ()> = std::result::Result<T, Box<dyn StdError>>;

async fn serve(router: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(addr)
}

/// A listener that nobody may reach.
async fn canary() -> Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    Ok((addr, visits))
}

fn trusting(addr: SocketAddr) -> Result<Policy> {
    Ok(Policy { trusted: vec![Url::parse(&format!("http://{addr}/"))?], ..Policy::default() })
}

/// Answers every name with the same addresses, and counts the questions.
struct Names(Vec<IpAddr>, AtomicUsize);

impl Lookup for Names {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let found = self.0.clone();
        Box::pin(async move { Ok(found) })
    }
}

#[tokio::test]
async fn a_name_for_a_private_address_is_not_dialled() -> Result {
    let (canary, visits) = canary().await?;
    for addresses in [
        vec!["127.0.0.1"],
        vec!["10.0.0.7"],
        vec!["169.254.169.254"],
        vec!["::ffff:127.0.0.1"],
        // One good address among them does not help.
        vec!["8.8.8.8", "127.0.0.1"],
    ] {
        let addresses = addresses
            .iter()
            .map(|it| it.parse())
            .collect::<std::result::Result<Vec<IpAddr>, _>>()?;
        let names = Arc::new(Names(addresses, AtomicUsize::new(0)));
        let client = Client::with_lookup(Policy::default(), Arc::clone(&names) as _)?;
        let url = format!("http://rebinding.test:{}/", canary.port());
        let error = client.get_bytes(&url).await.err().ok_or("fetched")?;
        assert!(matches!(error, Error::Refused(Refusal::Address(_))), "{error:?}");
        assert!(error.is_unsent());
        // Judged and dialled from one answer: there is no second question to answer otherwise.
        assert_eq!(names.1.load(Ordering::SeqCst), 1);
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    Ok(())
}

#[tokio::test]
async fn localhost_is_refused_through_the_system_too() -> Result {
    let (canary, visits) = canary().await?;
    let client = Client::new(Policy::default())?;
    let error = client.get_bytes(&format!("http://localhost:{}/", canary.port())).await;
    assert!(matches!(error, Err(Error::Refused(Refusal::Address(_)))), "{error:?}");
    let error = client.get_bytes(&format!("http://{canary}/")).await;
    assert!(matches!(error, Err(Error::Refused(Refusal::Address(_)))), "{error:?}");
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    Ok(())
}

#[tokio::test]
async fn trust_is_for_one_port_of_a_host() -> Result {
    let addr = serve(Router::new().fallback(any(async || "vendor"))).await?;
    let (canary, visits) = canary().await?;
    let names = Arc::new(Names(vec![addr.ip()], AtomicUsize::new(0)));
    let trusted = vec![Url::parse(&format!("http://vendor.test:{}/api", addr.port()))?];
    let client = Client::with_lookup(Policy { trusted, ..Policy::default() }, names)?;

    let url = format!("http://vendor.test:{}/api/run", addr.port());
    assert_eq!(client.get_bytes(&url).await?, "vendor");
    let url = format!("http://vendor.test:{}/api/run", canary.port());
    assert!(client.get_bytes(&url).await.is_err_and(|it| it.is_refused()));
    // Not even over the connection that is already open.
    let url = format!("http://vendor.test:{}/elsewhere", addr.port());
    assert!(client.get_bytes(&url).await.is_err_and(|it| it.is_refused()));
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    Ok(())
}

#[tokio::test]
async fn a_redirect_into_the_private_is_refused() -> Result {
    let (canary, visits) = canary().await?;
    for target in [
        format!("http://{canary}/"),
        format!("http://2130706433:{}/", canary.port()),
        format!("http://localhost:{}/", canary.port()),
        format!("http://[::ffff:127.0.0.1]:{}/", canary.port()),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let router = Router::new().route("/", get(async move || Redirect::temporary(&target)));
        let addr = serve(router).await?;
        let client = Client::new(trusting(addr)?)?;
        let error = client.get_bytes(&format!("http://{addr}/")).await.err().ok_or("fetched")?;
        assert!(error.is_refused(), "{error:?}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    Ok(())
}

#[tokio::test]
async fn redirects_are_followed_so_far() -> Result {
    let router = Router::new()
        .route("/1", get(async || Redirect::permanent("/2")))
        .route("/2", get(async || Redirect::to("3")))
        .route("/3", get(async || "arrived").post(async || "posted"))
        .route("/loop", get(async || Redirect::to("/loop")))
        .route("/post", any(async || Redirect::to("/3")));
    let addr = serve(router).await?;
    let client = Client::new(trusting(addr)?)?;
    let response = client.send(Request::get(format!("http://{addr}/1#part"))).await?;
    assert_eq!((&response.body[..], response.url.path()), (&b"arrived"[..], "/3"));
    let error = client.get_bytes(&format!("http://{addr}/loop")).await;
    assert!(matches!(error, Err(Error::Redirects(3))), "{error:?}");
    // A post is not repeated elsewhere; the caller sees the redirect.
    let response = client.send(Request::post(format!("http://{addr}/post"))).await?;
    assert_eq!(response.status, 303);
    Ok(())
}

#[tokio::test]
async fn a_key_does_not_follow_to_another_origin() -> Result {
    let seen = async |headers: axum::http::HeaderMap| {
        let mut names: Vec<_> = headers.keys().map(|it| it.as_str().to_owned()).collect();
        names.sort();
        names.join(",")
    };
    let other = serve(Router::new().route("/", get(seen))).await?;
    let target = format!("http://{other}/");
    let router = Router::new()
        .route("/away", get(async move || Redirect::temporary(&target)))
        .route("/home", get(async || Redirect::temporary("/seen")))
        .route("/seen", get(seen));
    let addr = serve(router).await?;
    let trusted =
        vec![Url::parse(&format!("http://{addr}"))?, Url::parse(&format!("http://{other}"))?];
    let client = Client::new(Policy { trusted, ..Policy::default() })?;
    let request = |path| {
        Request::get(format!("http://{addr}{path}"))
            .secret_header("authorization", "Key secret")
            .secret_header("x-api-key", "secret")
            .header(header::ACCEPT, "image/png")
    };
    let home = String::from_utf8(client.send(request("/home")).await?.body.to_vec())?;
    assert!(home.contains("authorization") && home.contains("x-api-key"), "{home}");
    let away = String::from_utf8(client.send(request("/away")).await?.body.to_vec())?;
    assert!(away.contains("accept") && !away.contains("authorization") && !away.contains("x-api"));
    Ok(())
}
