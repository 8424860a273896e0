//! Where a service is: the addresses behind its name, as DNS knows them at the moment.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use http::Uri;
use http::uri::Scheme;

use crate::Error;

/// What a channel leads to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What calls name as their host, whatever address they go to.
    pub(crate) origin: Uri,
    pub(crate) is_tls: bool,
    hosts: Vec<Host>,
}

#[derive(Clone, Debug)]
struct Host {
    name: String,
    port: u16,
}

impl Target {
    /// Reads `http://catalog:50051`, or several of the kind separated by commas.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut uris = Vec::new();
        for text in text.split(',') {
            let uri: Uri = text.trim().parse().map_err(|_| format!("`{text}` is not a URL"))?;
            uris.push(uri);
        }
        let origin = uris.first().cloned().ok_or("no URL")?;
        let is_tls = match origin.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(format!("`{text}` begins with neither http:// nor https://").into()),
        };
        let hosts = uris.iter().map(|uri| {
            let name = uri.host().ok_or_else(|| format!("`{uri}` names no host"))?;
            let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
            Ok(Host { name: name.trim_matches(['[', ']']).to_owned(), port })
        });
        Ok(Self { origin, is_tls, hosts: hosts.collect::<Result<_, Error>>()? })
    }

    /// Returns the addresses, if no name has to be looked up for them.
    pub(crate) fn literal(&self) -> Option<BTreeSet<SocketAddr>> {
        self.hosts.iter().map(Host::literal).collect()
    }

    /// Looks the names up. One that cannot be found hides none of the others.
    pub(crate) async fn resolve(&self) -> io::Result<BTreeSet<SocketAddr>> {
        let mut found = BTreeSet::new();
        let mut last_error = None;
        for host in &self.hosts {
            if let Some(address) = host.literal() {
                found.insert(address);
                continue;
            }
            match tokio::net::lookup_host((host.name.as_str(), host.port)).await {
                Ok(addresses) => found.extend(addresses),
                Err(error) => last_error = Some(error),
            }
        }
        match last_error {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// Returns the name that a certificate of the service must carry.
    pub(crate) fn domain(&self) -> &str {
        self.origin.host().unwrap_or_default()
    }
}

impl Host {
    fn literal(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.name.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_need_no_lookup_and_names_do() -> Result<(), Error> {
        let target = Target::parse("http://127.0.0.1:1, http://[::1]:2")?;
        let literal = target.literal().ok_or("a name")?;
        assert_eq!(literal.len(), 2);
        assert_eq!(target.resolve().await?, literal);

        let target = Target::parse("http://localhost:3")?;
        assert_eq!(target.literal(), None);
        assert!(target.resolve().await?.iter().all(|it| it.ip().is_loopback()));
        Ok(())
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in ["", "catalog:50051", "ftp://catalog", "http://"] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_nowhere_hides_none_of_the_others() -> Result<(), Error> {
        let target = Target::parse("http://127.0.0.1:1,http://nowhere.invalid:2")?;
        assert_eq!(target.resolve().await?.len(), 1);
        assert!(Target::parse("http://nowhere.invalid:2")?.resolve().await.is_err());
        Ok(())
    }
}
