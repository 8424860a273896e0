//! Which hosts an adapter speaks to, so that nothing a vendor or a token says leads elsewhere.

use std::net::IpAddr;

use url::{Host, Url};

/// A list of hosts that may be spoken to.
///
/// Hosts named by pattern are public and speak HTTPS. A host that comes from a configured URL is
/// as that URL is: where it is private, such as a sandbox on the loopback, it may be private.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    patterns: Vec<String>,
    urls: Vec<Url>,
    is_open: bool,
}

impl Hosts {
    /// Returns the hosts of `patterns`, each a name or `*.` and the end of one.
    pub fn new(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let patterns = patterns.into_iter().map(|it| it.into().to_ascii_lowercase()).collect();
        Self { patterns, ..Self::default() }
    }

    /// Adds the host of a configured URL.
    pub fn with(mut self, url: &Url) -> Self {
        self.urls.push(url.clone());
        self
    }

    /// Returns any host: for URLs that another service of ours has signed.
    pub(crate) fn ours() -> Self {
        Self { is_open: true, ..Self::default() }
    }

    /// Whether `url` may be spoken to.
    pub fn permits(&self, url: &Url) -> bool {
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() {
            return false;
        }
        if self.is_open || self.urls.iter().any(|it| it.origin() == url.origin()) {
            return true;
        }
        let Some(host) = url.host_str() else { return false };
        url.scheme() == "https"
            && url.port().is_none()
            && self.patterns.iter().any(|pattern| match pattern.strip_prefix('*') {
                Some(end) => host.ends_with(end) && end.len() < host.len(),
                None => host == pattern,
            })
    }

    /// Writes the list as the client that dials takes it.
    pub(crate) fn policy(&self) -> fetch::Policy {
        let mut policy = fetch::Policy {
            allowed_hosts: self.patterns.clone(),
            allow_private: self.is_open,
            https_only: !self.is_open,
            ..fetch::Policy::default()
        };
        for url in &self.urls {
            match url.host_str().filter(|_| is_plainly_public(url)) {
                Some(host) => policy.allowed_hosts.push(host.to_owned()),
                None => policy.trusted.push(origin(url)),
            }
        }
        policy
    }
}

/// Whether a configured URL needs no more trust than any other of the vendor's.
fn is_plainly_public(url: &Url) -> bool {
    url.scheme() == "https" && url.port().is_none() && !is_private(url)
}

/// The URL without all that follows the host.
fn origin(url: &Url) -> Url {
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    origin
}

/// Whether a configured URL names a private host: an address that is, or a name without a place in
/// the public tree.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_private_ip(ip.into()),
        Some(Host::Ipv6(ip)) => is_private_ip(ip.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            !name.contains('.')
                || [".localhost", ".local", ".internal", ".svc"].iter().any(|it| name.ends_with(it))
        }
        None => false,
    }
}

fn is_private_ip(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(hosts: &Hosts, url: &str) -> bool {
        Url::parse(url).is_ok_and(|it| hosts.permits(&it))
    }

    #[test]
    fn patterns_match_whole_labels_over_https_alone() {
        let hosts = Hosts::new(["*.acme.media", "acme.run"]);
        assert!(permits(&hosts, "https://v3.acme.media/f.png"));
        assert!(permits(&hosts, "https://acme.run/f.png"));
        assert!(!permits(&hosts, "https://acme.media/f.png"));
        assert!(!permits(&hosts, "https://evilacme.media/f.png"));
        assert!(!permits(&hosts, "https://v3.acme.media.evil.io/f.png"));
        assert!(!permits(&hosts, "http://v3.acme.media/f.png"));
        assert!(!permits(&hosts, "https://v3.acme.media:8443/f.png"));
        assert!(!permits(&hosts, "https://me@v3.acme.media/f.png"));
        assert!(!permits(&hosts, "file:///etc/passwd"));
    }

    #[test]
    fn only_configured_private_hosts_are_private() -> Result<(), url::ParseError> {
        let sandbox = Url::parse("http://127.0.0.1:9000/queue")?;
        let hosts = Hosts::new(["*.acme.media"]).with(&sandbox);
        let result = Url::parse("http://127.0.0.1:9000/files/1.png")?;
        assert!(hosts.permits(&result));
        assert_eq!(hosts.policy().trusted, [Url::parse("http://127.0.0.1:9000/")?]);
        assert!(!hosts.permits(&Url::parse("http://127.0.0.1:9001/files/1.png")?));
        let public = Url::parse("https://queue.acme.run")?;
        let hosts = Hosts::new(["*.acme.media"]).with(&public);
        assert!(hosts.permits(&public));
        assert!(hosts.policy().trusted.is_empty() && hosts.policy().https_only);
        Ok(())
    }
}
