//! The gateway: the only door of browsers and outside tools.
//!
//! It knows services, not RPCs: a call is forwarded as bytes to the service that its package names.
//! It answers by itself only for what concerns the whole mesh: the stream of events, files, the web
//! app, health and reflection. It holds no tables, and lends nobody its own name: what it forwards
//! carries the caller's token or none.

mod cors;
mod cursor;
mod error;
mod event;
mod exports;
mod files;
mod forward;
mod hub;
mod limit;
mod peer;
mod rpc;
mod upstream;
mod web;

use std::path::PathBuf;
use std::sync::Arc;

use api::sartiq::event::v1::event_service_server::EventServiceServer;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use server::{Channel, Mesh};
use tonic::service::Routes;

pub use upstream::Upstreams;

use hub::Hub;

/// What the gateway needs to run.
#[derive(Clone, Debug, clap::Parser)]
#[group(skip)]
#[command(name = "gateway", about = "The door of the mesh: gRPC, gRPC-Web, events, files")]
pub struct Config {
    #[command(flatten)]
    pub server: server::Config,

    #[command(flatten)]
    pub events: events::Config,

    #[command(flatten)]
    pub upstreams: Upstreams,

    /// The origins that browsers may call from, besides the gateway's own, such as
    /// `https://app.example.com`.
    #[arg(long, env, value_delimiter = ',')]
    pub allowed_origins: Vec<String>,

    /// The origins that signed URLs of files point to, such as `https://files.example.com`: where
    /// pages of the web app may show pictures from and send them to. Without any, everywhere.
    #[arg(long, env, value_delimiter = ',', value_parser = web::origin)]
    pub file_origins: Vec<String>,

    /// The folder of the web app. Without one there is none.
    #[arg(long, env)]
    pub web_root: Option<PathBuf>,

    /// How many proxies of our own stand before the gateway. Each must add whom it was called by to
    /// `X-Forwarded-For`; limits are by that address then, and not by that of the last proxy.
    #[arg(long, env, default_value = "0")]
    pub proxy_count: u8,

    /// How many calls one caller may make in a second, over a while; asking for a file is one.
    #[arg(long, env, default_value = "50")]
    pub calls_per_second: std::num::NonZeroU32,

    /// How many calls one caller may make at once.
    #[arg(long, env, default_value = "200")]
    pub call_burst: std::num::NonZeroU32,

    /// How long one stream of events lives before its client is asked to open the next.
    #[arg(long, env, value_parser = humantime::parse_duration, default_value = "10m")]
    pub stream_age: std::time::Duration,
}

/// The gateway, ready to answer.
#[derive(Clone, Debug)]
pub struct Gateway {
    mesh: Mesh,
    media: Channel,
    delivery: Channel,
    hub: Arc<Hub>,
    stream_age: std::time::Duration,
}

/// Runs the gateway until the process is told to stop.
pub async fn serve(config: Config) -> Result<(), server::Error> {
    let mesh = Mesh::join("gateway", &config.server).await?;
    let app = app(&mesh, &config).await?;
    mesh.serve_http(app).await
}

/// Everything the gateway answers to.
pub async fn app(mesh: &Mesh, config: &Config) -> Result<Router, server::Error> {
    let hub = Arc::new(Hub::new(config.events.open()?));
    mesh.spawn("events", hub.clone().run(mesh.shutdown()));
    mesh.spawn("progress", hub.clone().run_progress(mesh.shutdown()));
    let gateway = Gateway {
        mesh: mesh.clone(),
        media: mesh.channel(&config.upstreams.media_url)?,
        delivery: mesh.channel(&config.upstreams.delivery_url)?,
        hub,
        stream_age: config.stream_age,
    };
    let own = mesh.app(Routes::new(EventServiceServer::new(gateway.clone()))).await?;
    let forward = forward::Forward::new(mesh, config, own)?;
    let limits = limit::Limits::new(mesh, config.calls_per_second, config.call_burst);
    mesh.spawn("limits", limits.clone().forget(mesh.shutdown()));
    let router = Router::new()
        .route(files::ROUTE, get(files::get).layer(from_fn_with_state(files::ROUTE, web::followed)))
        .route(
            exports::ROUTE,
            get(exports::download).layer(from_fn_with_state(exports::ROUTE, web::followed)),
        )
        .layer(from_fn_with_state(limits.clone(), limit::layer))
        .layer(from_fn(web::private))
        .with_state(gateway)
        .fallback_service(web::or_grpc(
            config.web_root.as_deref(),
            &config.file_origins,
            web::Rpcs { forward, limits },
        ));
    // The origin gate stands before the limits, so that strangers' pages use nobody's share.
    Ok(router
        .layer(from_fn_with_state(cors::Origins::new(&config.allowed_origins), cors::layer))
        .layer(from_fn_with_state(config.proxy_count, peer::layer)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn settings_do_not_clash() {
        super::Config::command().debug_assert();
    }
}
