//! What tests lean on. Only ever a dev-dependency.
//!
//! ```ignore
//! let channel = testkit::dial(Catalog::new(db).routes()).await;
//! let mut catalog = ProductServiceClient::new(testkit::as_role(&channel, Role::Editor, organization));
//! let status = catalog.get_product(request).await.err().ok_or("found")?;
//! assert_eq!(testkit::reason(&status), "PRODUCT_NOT_FOUND");
//! ```

mod bucket;
mod replay;
mod stand_in;
mod token;

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;

use server::{Config, Mesh, Role};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tonic::Status;
use tonic::service::Routes;
use tonic_types::StatusExt;
use types::id::{OrganizationId, UserId};

pub use crate::bucket::{Bucket, bucket};
pub use crate::replay::{keep_old_answers, old_answers_are_gone};
pub use crate::stand_in::StandIn;
pub use crate::token::{Claims, Signer, keys, service_token, signer, token, user_token};

/// A channel to a served service. Anonymous until [`as_role`] or [`as_service`] signs it.
pub type Client = server::Channel;

/// Returns a member of the mesh for tests: believes the tokens of this crate and presents one of
/// its own that names `name`.
pub fn mesh(name: &'static str) -> Mesh {
    Mesh::testing(name, keys(name))
}

/// Serves `routes` through the real stack, on a port of its own, and returns a channel to them.
pub async fn dial(routes: Routes) -> Client {
    serve(mesh("test"), routes).await
}

/// Serves `routes` as `mesh` and returns an anonymous channel to them.
pub async fn serve(mesh: Mesh, routes: Routes) -> Client {
    let url = serve_at(&mesh, routes).await;
    mesh.channel(&url).expect("a valid URL").without_token()
}

/// Serves `routes` as `mesh` and returns where.
pub async fn serve_at(mesh: &Mesh, routes: Routes) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    let mesh = mesh.clone();
    tokio::spawn(async move { mesh.serve_on(listener, routes).await });
    format!("http://{address}")
}

/// Returns settings for a service on a free port of this machine.
pub fn config() -> Config {
    Config::default()
}

/// Returns a channel that calls as a user with `role` in `organization`.
pub fn as_role(channel: &Client, role: Role, organization: OrganizationId) -> Client {
    signed(channel, &token(role, organization))
}

/// Returns a channel that calls as `user`, with `role` in `organization`.
pub fn as_user(channel: &Client, user: UserId, role: Role, organization: OrganizationId) -> Client {
    signed(channel, &user_token(user, role, organization))
}

/// Returns a channel that calls as the service `name`, for `organization`.
pub fn as_service(channel: &Client, name: &str, organization: OrganizationId) -> Client {
    let value = organization.to_string().parse().expect("an id is a header");
    signed(channel, &service_token(name))
        .with_header("x-sartiq-organization".parse().expect("a header name"), value)
}

/// Returns a channel that presents `token`.
pub fn signed(channel: &Client, token: &str) -> Client {
    channel.with_token(token).expect("a token is a header")
}

/// Returns where the tests' Redis is.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where Redis is")]
pub fn redis_url() -> String {
    std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned())
}

/// Returns a fresh id for a mutation.
pub fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Returns the reason that `status` names, or an empty text.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|it| it.reason).unwrap_or_default()
}

/// Returns the values that `status` carries beside its reason.
pub fn metadata(status: &Status) -> HashMap<String, String> {
    status.get_details_error_info().map(|it| it.metadata).unwrap_or_default()
}

/// Returns the paths of the fields that `status` complains about.
pub fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|it| it.field_violations);
    violations.unwrap_or_default().into_iter().map(|it| it.field).collect()
}

/// Asks `probe` again and again until it says yes; says no after ten seconds.
///
/// The one place where tests wait: what happens in the background has no other end to await.
pub async fn eventually<E: Display>(
    mut probe: impl AsyncFnMut() -> Result<bool, E>,
) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut last = "it did not happen within thirty seconds".to_owned();
    let mut pause = Duration::from_millis(5);
    while Instant::now() < deadline {
        match probe().await {
            Ok(true) => return Ok(()),
            Ok(false) => (),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(Duration::from_millis(100));
    }
    Err(last)
}
