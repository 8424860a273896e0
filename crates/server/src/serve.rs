//! Serving until told to stop, and stopping in time.

mod accept;
mod connection;

use std::future::poll_fn;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::health_reporter;

use crate::{Error, Mesh, stack};
use accept::Acceptor;
use connection::{Callers, Connections};

/// The health names beside the empty one. Liveness never turns bad: a process that answers lives.
const READINESS: &str = "readiness";
const LIVENESS: &str = "liveness";

/// What of the drain timeout streams may use; the rest is for their last frames to travel.
const STREAM_SHARE: f64 = 0.8;

/// Serves `routes` through the stack of `mesh`.
pub(crate) async fn grpc(mesh: &Mesh, listener: TcpListener, routes: Routes) -> Result<(), Error> {
    let app = app(mesh, routes).await?;
    until_stopped(mesh, listener, app, Callers::Mesh).await
}

/// Puts health, reflection and the stack of `mesh` around `routes`.
pub(crate) async fn app(mesh: &Mesh, routes: Routes) -> Result<Router, Error> {
    let (reporter, health) = health_reporter();
    reporter.set_service_status(READINESS, ServingStatus::Serving).await;
    reporter.set_service_status(LIVENESS, ServingStatus::Serving).await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(api::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let routes = routes
        .add_service(health)
        // Tools of different ages ask in different ways.
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    mesh.reports_to(reporter);
    Ok(stack::wrap(mesh, routes.prepare().into_axum_router()))
}

/// Serves `router` as it is.
pub(crate) async fn http(mesh: &Mesh, listener: TcpListener, router: Router) -> Result<(), Error> {
    until_stopped(mesh, listener, router, Callers::Anybody).await
}

async fn until_stopped(
    mesh: &Mesh,
    listener: TcpListener,
    app: Router,
    callers: Callers,
) -> Result<(), Error> {
    let address = listener.local_addr()?;
    tracing::info!(service.name = mesh.name(), %address, "listening");
    let stop = mesh.stopping();
    if mesh.heeds_signals() {
        let stop = stop.clone();
        tokio::spawn(async move {
            terminated().await;
            stop.cancel();
        });
    }
    let mut connections = Connections::new(app, callers, mesh.config().max_connection_age);
    let mut acceptor = Acceptor::new(listener);
    loop {
        tokio::select! {
            (stream, peer) = acceptor.accept() => connections.add(stream, peer),
            () = stop.cancelled() => break,
            // Whoever cancels the shutdown token wants the same.
            () = mesh.shutdown().cancelled_owned() => break,
        }
        connections.forget_ended();
    }
    // New connections are refused from here on, which sends clients elsewhere at once.
    drop(acceptor);
    drain(mesh, connections).await;
    Ok(())
}

/// Lets what is under way end, for as long as the drain timeout allows.
async fn drain(mesh: &Mesh, mut connections: Connections) {
    let timeout = mesh.config().drain_timeout;
    let started = Instant::now();
    tracing::info!(timeout_ms = timeout.as_millis(), "stopping");
    // First nobody is sent here any more, then those who are here are asked to leave.
    if let Some(health) = mesh.health() {
        health.set_service_status("", ServingStatus::NotServing).await;
        health.set_service_status(READINESS, ServingStatus::NotServing).await;
    }
    mesh.shutdown().cancel();
    connections.ask_to_leave();
    mesh.tasks().close();

    let all_ended = async {
        connections.ended().await;
        mesh.tasks().wait().await;
    };
    let mut all_ended = Box::pin(all_ended);
    let cut = tokio::time::sleep_until(started + timeout.mul_f64(STREAM_SHARE));
    tokio::select! {
        () = &mut all_ended => return,
        () = cut => mesh.cut().cancel(),
    }
    let is_clean = tokio::time::timeout_at(started + timeout, all_ended).await.is_ok();
    if !is_clean {
        let (connections, tasks) = (connections.count(), mesh.tasks().len());
        tracing::warn!(connections, tasks, "stopped with work under way");
    }
}

async fn terminated() {
    let [terminate, interrupt] =
        [SignalKind::terminate(), SignalKind::interrupt()].map(|kind| signal(kind));
    match (terminate, interrupt) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            poll_fn(|cx| {
                let is_told =
                    terminate.poll_recv(cx).is_ready() | interrupt.poll_recv(cx).is_ready();
                if is_told { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "cannot listen for signals");
            std::future::pending().await
        }
    }
}

/// How long a new connection may stay silent.
pub(super) const FIRST_BYTE: Duration = Duration::from_secs(10);
