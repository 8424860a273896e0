//! The one port: connections, routing, and what every answer has in common.

mod answer;
mod call;
mod control;
mod file;
mod mischief;
mod pricing;
mod queue;
mod run;
mod storage;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::cors::CorsLayer;

use crate::address::{Address, Part};
use crate::refusal::Refusal;
use crate::sandbox::Sandbox;
use call::Call;

/// How long open connections may finish what they are at.
const DRAIN: Duration = Duration::from_secs(2);

/// Cuts the connection that a request came on, without another byte.
#[derive(Clone, Debug)]
struct Cut(CancellationToken);

/// Everything that handlers need to know about a request.
#[derive(Debug)]
struct Incoming {
    sandbox: Arc<Sandbox>,
    address: Address,
    parts: axum::http::request::Parts,
    /// The address under which the caller reached the sandbox.
    base_url: String,
}

impl Incoming {
    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }
}

/// Serves until told to stop, then lets open connections finish for a moment.
pub(crate) async fn listen(
    listener: TcpListener,
    sandbox: Arc<Sandbox>,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let app =
        Router::new().fallback(handle).layer(CorsLayer::permissive()).with_state(sandbox.clone());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, app.clone(), shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept");
                // Out of file handles, most likely: wait for some to come back.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    connections.close();
    sandbox.tasks.close();
    let drained = async {
        connections.wait().await;
        sandbox.tasks.wait().await;
    };
    // What is still busy after this is abandoned: it is a sandbox.
    let _ = tokio::time::timeout(DRAIN, drained).await;
}

async fn connection(stream: TcpStream, app: Router, shutdown: CancellationToken) {
    // Small answers must not wait for company.
    let _ = stream.set_nodelay(true);
    let cut = CancellationToken::new();
    let app = app.layer(axum::Extension(Cut(cut.clone())));
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // Dropping the connection closes the socket where it is.
        () = cut.cancelled() => return,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = tokio::time::sleep(DRAIN) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "connection ended early");
    }
}

async fn handle(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|it| it.to_str().ok());
    // HTTP/2 has an authority in place of the header.
    let host = header("host").or(parts.uri.host()).unwrap_or_default().to_owned();
    let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let address = Address::of(&host, header("x-fal-target-url"), path);
    let base_url = base_url(&sandbox, &host);
    let incoming = Incoming { sandbox, address, parts, base_url };
    let call = match Call::read(&incoming) {
        Ok(call) => call,
        Err(refusal) => return answer::refuse(&refusal),
    };
    if call.needs_key() && !is_allowed(&incoming) {
        return answer::refuse(&Refusal::unauthorized());
    }
    mischief::around(incoming, call, body).await
}

/// The key, or the token that streams carry in the query.
fn is_allowed(incoming: &Incoming) -> bool {
    let access = &incoming.sandbox.access;
    access.allows(incoming.header("authorization"))
        || ["fal_jwt_token", "token"]
            .iter()
            .filter_map(|it| incoming.address.query(it))
            .any(|it| access.allows_token(it))
}

fn base_url(sandbox: &Sandbox, host: &str) -> String {
    if let Some(url) = &sandbox.public_url {
        return url.clone();
    }
    // Under a vendor's name, our own paths may not be reachable; under our address they are.
    let is_vendors =
        !matches!(Address::of(host, None, "/").part, Part::Unknown | Part::Control | Part::Files);
    if host.is_empty() || is_vendors {
        format!("http://{}", sandbox.addr)
    } else {
        format!("http://{host}")
    }
}
