//! Keeps users from pointing us at what only we can reach.

use std::net::IpAddr;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use url::{Host, Url};

/// What the address of a store may not be.
const NOT_PUBLIC: &str = "must be public";

/// An address that is not on the public internet.
#[derive(Debug, thiserror::Error)]
#[error("{NOT_PUBLIC}")]
pub(super) struct NotPublicError;

/// Finds the addresses of stores, and refuses those that users may not name.
///
/// What it answers is what is dialled, so that a name which answers differently the second time gains nothing.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    allows_private: bool,
}

impl Guard {
    pub(super) fn new(allows_private: bool) -> Self {
        Self { allows_private }
    }
}

impl ResolveDns for Guard {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let addresses: Vec<IpAddr> = found.map(|it| it.ip()).collect();
            // One bad address among good ones is a trap, not a choice.
            if !self.allows_private && !addresses.iter().all(|it| fetch::is_public(*it)) {
                return Err(ResolveDnsError::new(NotPublicError));
            }
            Ok(addresses)
        })
    }
}

/// Judges all of the address of a store that can be judged before it is resolved.
pub(super) fn problem(endpoint_url: &str, allows_private: bool) -> Option<&'static str> {
    let Ok(url) = Url::parse(endpoint_url) else { return Some("must be a URL") };
    if !matches!(url.scheme(), "https" | "http") {
        return Some("must begin with `https://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("must not carry a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some("must end with its path");
    }
    if allows_private {
        return None;
    }
    // Literal addresses are never resolved.
    let literal = match url.host() {
        Some(Host::Ipv4(it)) => Some(IpAddr::V4(it)),
        Some(Host::Ipv6(it)) => Some(IpAddr::V6(it)),
        Some(Host::Domain(_)) => None,
        None => return Some("must name a host"),
    };
    if literal.is_some_and(|it| !fetch::is_public(it)) {
        return Some(NOT_PUBLIC);
    }
    // Pictures that are not published yet do not cross the internet in the open.
    (url.scheme() != "https").then_some("must begin with `https://`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_however_they_are_written() {
        for url in [
            "https://127.0.0.1",
            "https://2130706433",
            "https://0x7f.1:9000",
            "https://[::1]",
            "https://[::ffff:10.0.0.1]",
            "http://169.254.169.254/latest",
            "https://192.168.1.10:9000/",
        ] {
            assert_eq!(problem(url, false), Some(NOT_PUBLIC), "{url}");
            assert_eq!(problem(url, true), None, "{url}");
        }
    }

    #[test]
    fn only_plain_addresses_of_stores_are_taken() {
        for url in ["ftp://example.com", "https://a:b@example.com", "https://example.com/?a", "x"] {
            assert!(problem(url, true).is_some(), "{url}");
        }
        assert!(problem("http://example.com", false).is_some());
        assert_eq!(problem("https://s3.eu-central-1.amazonaws.com", false), None);
    }

    #[tokio::test]
    async fn names_that_lead_inside_are_refused() {
        assert!(Guard::new(false).resolve_dns("localhost").await.is_err());
        assert!(Guard::new(true).resolve_dns("localhost").await.is_ok());
    }
}
