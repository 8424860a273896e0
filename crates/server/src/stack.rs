//! What every call passes on its way to a handler, and back.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::ServiceBuilder;

use crate::admission::{self, Admission};
use crate::deadline::{self, Bounds};
use crate::{Mesh, answer, size, token, trace};

/// Puts the stack of `mesh` around `routes`.
pub(crate) fn wrap(mesh: &Mesh, routes: Router) -> Router {
    let config = mesh.config();
    let bounds = Bounds { longest_call: config.longest_call, cut: mesh.cut() };
    routes.layer(
        ServiceBuilder::new()
            // A span and a count per call, refusals too. Its id is in every answer, so it comes
            // before all that answers.
            .layer(from_fn(trace::layer))
            // A bug answers `Internal`; the process lives on.
            .layer(from_fn(answer::catch_panic))
            // The caller's `grpc-timeout`, or ours if shorter. Waiting for a turn counts.
            .layer(from_fn_with_state(bounds, deadline::layer))
            // Refuse at once when too much is in flight, before signatures are checked.
            .layer(from_fn_with_state(Admission::new(config.concurrency), admission::layer))
            // Bound what handlers read into memory.
            .layer(from_fn(size::layer))
            // Verify who asks and whether they may; handlers read it as a value.
            .layer(from_fn_with_state(mesh.clone(), token::layer)),
    )
}
