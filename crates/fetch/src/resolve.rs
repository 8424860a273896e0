//! Names to addresses, judged before they are dialled.
//!
//! The connector dials exactly what this module returns, so a name that answers differently the
//! second time (DNS rebinding) gains nothing.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{address::is_public, error::Refusal, policy::Route};

/// Finds the addresses of a name.
pub trait Lookup: Send + Sync + 'static {
    /// Finds them all.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The operating system's own way, hosts file and search domains included.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|it| it.ip()).collect())
        })
    }
}

/// A lookup and a judgement.
pub(crate) struct Resolver {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) route: Route,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.lookup.lookup(name.as_str().to_owned());
        let route = self.route;
        Box::pin(async move {
            let addresses = lookup.await?;
            // One bad address among good ones is a trap, not a choice.
            if route == Route::Guarded
                && let Some(bad) = addresses.iter().find(|it| !is_public(**it))
            {
                return Err(Refusal::Address(*bad).into());
            }
            // The connector fills in the port.
            let addresses = addresses.into_iter().map(|it| SocketAddr::new(it, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
