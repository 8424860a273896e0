//! Connections, from their first byte to a goodbye in good time.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::FIRST_BYTE;

const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const STREAMS: u32 = 1000;
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
const HEADER_LIST: u32 = 16 * 1024;

/// How much ages differ, so that clients of one server do not all reconnect at once.
const JITTER: f64 = 0.1;

/// Who connects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Callers {
    /// Services and operators.
    Mesh,
    /// Whoever finds the door.
    Anybody,
}

/// The open connections of a server.
pub(super) struct Connections {
    app: Router,
    protocol: Builder<TokioExecutor>,
    age: Duration,
    leave: CancellationToken,
    open: JoinSet<()>,
}

impl Connections {
    pub(super) fn new(app: Router, callers: Callers, age: Duration) -> Self {
        Self {
            app,
            protocol: protocol(callers),
            age,
            leave: CancellationToken::new(),
            open: JoinSet::new(),
        }
    }

    /// Serves `stream` until it ends or has to leave.
    pub(super) fn add(&mut self, stream: TcpStream, peer: SocketAddr) {
        let age = self.age.mul_f64(rand::random_range(1.0 - JITTER..=1.0 + JITTER));
        // Read by whoever limits calls by where they come from.
        let app = self.app.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        });
        let (app, protocol) = (TowerToHyperService::new(app), self.protocol.clone());
        let leave = self.leave.clone();
        self.open.spawn(async move {
            if !speaks(&stream, &leave).await {
                return;
            }
            let connection = protocol.serve_connection_with_upgrades(TokioIo::new(stream), app);
            let mut connection = pin!(connection);
            let end = tokio::select! {
                end = connection.as_mut() => end,
                () = until_goodbye(age, &leave) => {
                    // GOAWAY: no new calls; those under way end by themselves. There is no hard
                    // cut, since streams may go on for longer than any age.
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = end {
                tracing::debug!(error, "connection ended badly");
            }
        });
    }

    /// Asks every client to make no more calls here.
    pub(super) fn ask_to_leave(&self) {
        self.leave.cancel();
    }

    /// Lets go of what is left of connections that ended.
    pub(super) fn forget_ended(&mut self) {
        while self.open.try_join_next().is_some() {}
    }

    /// Waits until every connection has ended.
    pub(super) async fn ended(&mut self) {
        while self.open.join_next().await.is_some() {}
    }

    /// Returns how many connections are open.
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }
}

/// Waits for the first byte, which silent peers never send.
async fn speaks(stream: &TcpStream, leave: &CancellationToken) -> bool {
    let mut byte = [0];
    tokio::select! {
        peeked = tokio::time::timeout(FIRST_BYTE, stream.peek(&mut byte)) => {
            matches!(peeked, Ok(Ok(1..)))
        }
        () = leave.cancelled() => false,
    }
}

async fn until_goodbye(age: Duration, leave: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(age) => (),
        () = leave.cancelled() => (),
    }
}

/// Speaks HTTP/2, and HTTP/1 where the gateway serves browsers.
///
/// Knowing both also frees the shutdown of peers that never finish saying hello.
fn protocol(callers: Callers) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    if callers == Callers::Mesh {
        // Many calls that are given up while we stand still, or refused before they were read, are an attack
        // if they come from anybody. Here they come from one who has other calls on the connection.
        builder
            .http2()
            .max_pending_accept_reset_streams(STREAMS as usize)
            .max_local_error_reset_streams(None);
    }
    builder
}
