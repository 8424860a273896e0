//! Tokens: who may have made them, what they say, and whether that is enough for a call.

mod authority;
mod claims;
mod keyring;
mod own;
mod refusal;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use tonic::Status;

pub(crate) use authority::Remote;
pub use authority::{Authority, Issued, Keys, SigningKey};
pub(crate) use keyring::{Keyring, keep as keep_keyring};
pub(crate) use own::{Own, keep as keep_own};
use refusal::Refusal;

use crate::access::{self, Access};
use crate::caller::{ORGANIZATION, USER};
use crate::deadline::Deadline;
use crate::fault::{self, Code, refusal};
use crate::trace::RequestId;
use crate::{Caller, Mesh, method};

/// Verifies who asks and whether the table lets them; handlers read the caller as a value.
pub(crate) async fn layer(State(mesh): State<Mesh>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // Whatever came in under this type was not verified here.
    parts.extensions.remove::<Caller>();
    match judge(&mesh, &parts).await {
        Ok(Some(caller)) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(None) => next.run(Request::from_parts(parts, body)).await,
        Err(status) => status.into_http(),
    }
}

async fn judge(mesh: &Mesh, request: &Parts) -> Result<Option<Caller>, Status> {
    let path = request.uri.path();
    // Probes and tools carry no tokens, and learn nothing that the contract does not say.
    if path.starts_with("/grpc.health.") || path.starts_with("/grpc.reflection.") {
        return Ok(None);
    }
    if !method::exists(path) {
        return Err(Status::unimplemented("no such method"));
    }
    let access = access::of(path);
    if let Some(Access::Public) = access {
        // A token is welcome here, but a bad one must not keep anybody from signing in.
        return Ok(caller(mesh, request).await.ok());
    }
    let caller = caller(mesh, request).await?;
    match access {
        Some(access) if access.admits(&caller) => Ok(Some(caller)),
        _ => Err(refusal(Code::PermissionDenied, "ACCESS_DENIED", "the caller may not do this")),
    }
}

async fn caller(mesh: &Mesh, request: &Parts) -> Result<Caller, Status> {
    let token = bearer(&request.headers).map_err(|it| fault::status(&it))?;
    let mut caller = mesh.keyring().verify(token).await.map_err(|it| fault::status(&it))?;
    if caller.service.is_some() {
        // Whom a service acts for is its word, and that of nobody else.
        caller.organization_id = named(&request.headers, ORGANIZATION)?;
        caller.user_id = named(&request.headers, USER)?;
    }
    let extensions = &request.extensions;
    caller.request_id =
        extensions.get::<RequestId>().map(|it| it.0.to_string()).unwrap_or_default();
    caller.deadline = extensions.get::<Deadline>().map(|it| it.0);
    caller.trace = extensions.get().copied().unwrap_or_default();
    Ok(caller)
}

fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Invalid("two tokens"));
    }
    let text = value.to_str().map_err(|_| Refusal::Invalid("not ASCII"))?;
    let (scheme, token) = text.split_once(' ').ok_or(Refusal::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::Missing);
    }
    Ok(token.trim())
}

fn named<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Result<Option<T>, Status> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|it| it.parse().ok());
    let message = || format!("`{name}` is not an id");
    id.map(Some).ok_or_else(|| refusal(Code::InvalidArgument, "FIELD_INVALID", message()))
}
