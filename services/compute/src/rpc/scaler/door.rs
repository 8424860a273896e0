//! Where KEDA asks: a listener of its own, as KEDA can present no token of ours.
//!
//! Nothing but the scaler is behind it, which only reads and names no organization. It believes
//! those who present a certificate of one authority; without certificates it answers this machine
//! alone.

use std::net::SocketAddr;
use std::time::Duration;

use api::externalscaler::external_scaler_server::ExternalScalerServer;
use server::{Error, Mesh};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use super::Scaler;
use crate::{Compute, ScalerConfig};

/// How long an RPC may take that is no stream.
const LONGEST_CALL: Duration = Duration::from_secs(10);

/// How many calls one connection may have open: two streams for each provider, and questions.
const CALLS: usize = 128;

/// Opens the listener, if there is to be one, and returns where it is.
pub(crate) async fn open(
    compute: &Compute,
    mesh: &Mesh,
    config: &ScalerConfig,
) -> Result<Option<SocketAddr>, Error> {
    let Some(address) = config.scaler_listen_addr else { return Ok(None) };
    let mut server = Server::builder()
        .timeout(LONGEST_CALL)
        .concurrency_limit_per_connection(CALLS)
        // Finds out about clients that are gone without a word.
        .http2_keepalive_interval(Some(Duration::from_secs(30)));
    match tls(config)? {
        Some(tls) => server = server.tls_config(tls)?,
        None if address.ip().is_loopback() => (),
        None => {
            let needed = "SCALER_TLS_CERT, SCALER_TLS_KEY and SCALER_CLIENT_CA";
            return Err(format!("the scaler needs {needed} to answer at {address}").into());
        }
    }
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let scaler = Scaler { compute: compute.clone(), shutdown: mesh.shutdown() };
    let router = server.add_service(ExternalScalerServer::new(scaler));
    let shutdown = mesh.shutdown();
    mesh.spawn("scaler", async move {
        let incoming = TcpIncoming::from(listener);
        let ended = router.serve_with_incoming_shutdown(incoming, shutdown.cancelled()).await;
        if let Err(error) = ended {
            tracing::error!(%error, "the scaler does not answer any more");
        }
    });
    tracing::info!(%address, "the scaler is listening");
    Ok(Some(address))
}

fn tls(config: &ScalerConfig) -> Result<Option<ServerTlsConfig>, Error> {
    let files = [&config.scaler_tls_cert, &config.scaler_tls_key, &config.scaler_client_ca];
    let [Some(cert), Some(key), Some(authority)] = files else { return Ok(None) };
    let read = |path: &std::path::Path| {
        std::fs::read(path).map_err(|it| format!("{}: {it}", path.display()))
    };
    let identity = Identity::from_pem(read(cert)?, read(key)?);
    let authority = Certificate::from_pem(read(authority)?);
    Ok(Some(ServerTlsConfig::new().identity(identity).client_ca_root(authority)))
}
