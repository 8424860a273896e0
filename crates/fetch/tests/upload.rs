//! Files on their way out, seen by the store that they go to.

use std::{
    error::Error as StdError,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::DefaultBodyLimit,
    http::{HeaderMap, StatusCode, header},
    response::Redirect,
    routing::put,
};
use fetch::{Client, Error, Policy, Refusal};
use futures::StreamExt;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
    net::TcpListener,
};

type Result<T = ()> = std::result::Result<T, Box<dyn StdError>>;

const MEGABYTE: usize = 1 << 20;

async fn serve(router: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let router = router.layer(DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(addr)
}

fn client(policy: Policy) -> Result<Client> {
    Ok(Client::new(Policy { allow_private: true, ..policy })?)
}

/// Returns a file without a name, as whoever wrote it leaves it: at its end.
async fn file(size: usize) -> Result<File> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("upload-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    let path = std::env::temp_dir().join(name);
    let mut options = File::options();
    let mut file = options.read(true).write(true).create_new(true).open(&path).await?;
    tokio::fs::remove_file(path).await?;
    let piece: Vec<u8> = (0..=u8::MAX).cycle().take(MEGABYTE).collect();
    for at in (0..size).step_by(MEGABYTE) {
        file.write_all(&piece[..MEGABYTE.min(size - at)]).await?;
    }
    file.flush().await?;
    Ok(file)
}

#[tokio::test]
async fn a_file_arrives_whole_with_its_length_and_what_was_signed() -> Result {
    let store = async |headers: HeaderMap, body: Body| {
        let (mut n_bytes, mut n_pieces, mut is_intact) = (0, 0, true);
        let mut pieces = body.into_data_stream();
        while let Some(Ok(piece)) = pieces.next().await {
            is_intact &=
                piece.iter().zip(n_bytes..).all(|(byte, at)| usize::from(*byte) == at % 256);
            (n_bytes, n_pieces) = (n_bytes + piece.len(), n_pieces + 1);
        }
        let header = |name| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or("none");
        format!(
            "{} {} {} {n_bytes} {is_intact} {}",
            header("content-length"),
            header("transfer-encoding"),
            header("x-amz-checksum-sha256"),
            n_pieces > 1,
        )
    };
    let addr = serve(Router::new().route("/file", put(store))).await?;
    let client = client(Policy::default())?;
    let url = format!("http://{addr}/file?X-Amz-Signature=1");
    for size in [0, 1, 9 * MEGABYTE + 5] {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-checksum-sha256", "c3Vt".parse()?);
        // A length that somebody made up is not believed.
        headers.insert(header::CONTENT_LENGTH, "7".parse()?);
        let answer = client.put_file(&url, headers, file(size).await?).await?;
        let is_streamed = size > MEGABYTE;
        assert_eq!(answer.body, format!("{size} none c3Vt {size} true {is_streamed}"));
    }
    Ok(())
}

#[tokio::test]
async fn a_file_is_put_from_its_beginning_wherever_it_was_left() -> Result {
    let store = async |body: Bytes| body.len().to_string();
    let addr = serve(Router::new().route("/", put(store))).await?;
    let mut half_read = file(1000).await?;
    half_read.rewind().await?;
    half_read.read_exact(&mut [0; 500]).await?;
    let url = format!("http://{addr}/");
    let answer = client(Policy::default())?.put_file(&url, HeaderMap::new(), half_read).await?;
    assert_eq!(answer.body, "1000");
    Ok(())
}

#[tokio::test]
async fn a_private_address_gets_no_file() -> Result {
    let is_visited = Arc::new(AtomicBool::new(false));
    let visit = Arc::clone(&is_visited);
    let store = async move || visit.store(true, Ordering::SeqCst);
    let addr = serve(Router::new().route("/", put(store))).await?;
    let guarded = Client::new(Policy::default())?;
    for url in [format!("http://{addr}/"), format!("http://localhost:{}/", addr.port())] {
        let error = guarded.put_file(&url, HeaderMap::new(), file(10).await?).await;
        let error = error.err().ok_or("it was put")?;
        assert!(matches!(error, Error::Refused(Refusal::Address(_))), "{error:?}");
        assert!(error.is_unsent() && !error.is_transient());
    }
    let error = guarded.put_file("file:///tmp/x", HeaderMap::new(), file(1).await?).await;
    assert!(matches!(error, Err(Error::Refused(Refusal::Scheme(_)))), "{error:?}");
    let error = guarded.put_file("no URL", HeaderMap::new(), file(1).await?).await;
    assert!(matches!(error, Err(Error::Url(_))), "{error:?}");
    assert!(!is_visited.load(Ordering::SeqCst));
    Ok(())
}

#[tokio::test]
async fn a_refusal_says_what_and_when_to_try_again() -> Result {
    let full =
        async |_: Bytes| (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7")], "SlowDown");
    let denied = async |_: Bytes| (StatusCode::FORBIDDEN, "SignatureDoesNotMatch");
    let away = async |_: Bytes| Redirect::temporary("/full");
    let router = Router::new()
        .route("/full", put(full))
        .route("/denied", put(denied))
        .route("/away", put(away));
    let addr = serve(router).await?;
    let client = client(Policy::default())?;
    for size in [10, 4 * MEGABYTE] {
        let put = async |path: &str| -> Result<Error> {
            let url = format!("http://{addr}{path}");
            let answer = client.put_file(&url, HeaderMap::new(), file(size).await?).await;
            Ok(answer.err().ok_or("it was taken")?)
        };
        let error = put("/full").await?;
        assert!(
            matches!(&error, Error::Status { status, body, .. }
                if status.as_u16() == 503 && body == "SlowDown"),
            "{error:?}"
        );
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(error.is_transient() && !error.is_unsent());

        let error = put("/denied").await?;
        assert!(
            matches!(&error, Error::Status { status, body, .. }
                if status.as_u16() == 403 && body == "SignatureDoesNotMatch"),
            "{error:?}"
        );
        assert_eq!((error.retry_after(), error.is_transient()), (None, false));

        // A redirect is an answer like another: the file was for this address alone.
        let error = put("/away").await?;
        assert!(
            matches!(&error, Error::Status { status, .. } if status.as_u16() == 307),
            "{error:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_store_that_refuses_unread_may_be_heard_or_not() -> Result {
    let denied = async || (StatusCode::FORBIDDEN, "SignatureDoesNotMatch");
    let addr = serve(Router::new().route("/", put(denied))).await?;
    let client = client(Policy::default())?;
    let url = format!("http://{addr}/");
    let error = client.put_file(&url, HeaderMap::new(), file(16 * MEGABYTE).await?).await;
    let error = error.err().ok_or("it was taken")?;
    // Whoever hangs up with bytes unread may take their answer with them.
    assert!(matches!(error, Error::Status { .. } | Error::Broken(_)), "{error:?}");
    assert!(!error.is_unsent());
    Ok(())
}

#[tokio::test]
async fn a_store_that_stops_reading_is_not_waited_for() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(socket);
        }
    });
    let client = client(Policy { timeout: Duration::from_millis(300), ..Policy::default() })?;
    let began = Instant::now();
    let url = format!("http://{addr}/");
    let error = client.put_file(&url, HeaderMap::new(), file(32 * MEGABYTE).await?).await;
    let error = error.err().ok_or("it was taken")?;
    assert!(matches!(error, Error::Timeout), "{error:?}");
    assert!(error.is_transient() && !error.is_unsent());
    assert!(began.elapsed() < Duration::from_secs(5));
    Ok(())
}

#[tokio::test]
async fn a_store_that_answers_slowly_or_at_length_is_cut_off() -> Result {
    let slow = async || {
        let stuck =
            futures::stream::iter([Ok::<_, std::io::Error>("a")]).chain(futures::stream::pending());
        Body::from_stream(stuck)
    };
    let long = async || "x".repeat(2000);
    let addr = serve(Router::new().route("/slow", put(slow)).route("/long", put(long))).await?;
    let idle_timeout = Duration::from_millis(200);
    let client = client(Policy { idle_timeout, max_bytes: 1000, ..Policy::default() })?;
    let url = format!("http://{addr}/slow");
    let error = client.put_file(&url, HeaderMap::new(), file(10).await?).await;
    assert!(matches!(error, Err(Error::Timeout)), "{error:?}");
    let url = format!("http://{addr}/long");
    let error = client.put_file(&url, HeaderMap::new(), file(10).await?).await;
    assert!(matches!(error, Err(Error::TooLarge(1000))), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn nobody_there_means_nothing_was_sent() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    drop(listener);
    let url = format!("http://{addr}/");
    let error = client(Policy::default())?.put_file(&url, HeaderMap::new(), file(10).await?).await;
    let error = error.err().ok_or("it was taken")?;
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
    assert!(error.is_unsent() && error.is_transient());
    Ok(())
}
