//! What a client may reach, and how much of it.

use std::{net::IpAddr, time::Duration};

use url::{Host, Url};

use crate::{address::is_public, error::Refusal};

/// The limits of a [`Client`](crate::Client).
///
/// The default is for URLs that strangers wrote: public addresses only, twenty megabytes.
/// Say what differs with `Policy { max_bytes: …, ..Policy::default() }`.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The only hosts that may be reached, `example.com` or `*.example.com`. Empty: all.
    pub allowed_hosts: Vec<String>,
    /// Prefixes of URLs that the operator configured, such as a vendor's base or the sandbox:
    /// what begins with one is always allowed, private address or not.
    pub trusted: Vec<Url>,
    /// Lets everything be private. For development machines alone.
    pub allow_private: bool,
    /// Refuses plain `http`, but for what is trusted.
    pub https_only: bool,
    /// The most bytes of an answer, counted after decompression.
    pub max_bytes: u64,
    /// How long the whole exchange may take, redirects and body included.
    pub timeout: Duration,
    /// How long finding the address, connecting and TLS may take.
    pub connect_timeout: Duration,
    /// How long the body may pause.
    pub idle_timeout: Duration,
    /// How many redirects are followed, for GET and HEAD. Others get the redirect as an answer.
    pub redirects: usize,
    /// What we call ourselves.
    pub user_agent: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            trusted: Vec::new(),
            allow_private: false,
            https_only: false,
            max_bytes: 20 << 20,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(10),
            redirects: 3,
            user_agent: concat!("sartiq/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Which of the two resolvers a request goes through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Route {
    /// Every address is judged.
    Guarded,
    /// The operator named it.
    Trusted,
}

impl Policy {
    /// Judges all of a URL that can be judged before resolution.
    pub(crate) fn check(&self, url: &Url) -> Result<Route, Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().to_owned()));
        }
        let host = url.host().ok_or(Refusal::NoHost)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        if self.trusted.iter().any(|it| is_below(url, it)) {
            return Ok(Route::Trusted);
        }
        if self.https_only && url.scheme() != "https" {
            return Err(Refusal::Scheme(url.scheme().to_owned()));
        }
        let name = host.to_string();
        let name = name.trim_end_matches('.');
        if !self.allowed_hosts.is_empty() && !self.allowed_hosts.iter().any(|it| covers(it, name)) {
            return Err(Refusal::Host(name.to_owned()));
        }
        if self.allow_private {
            return Ok(Route::Trusted);
        }
        // A literal address never reaches the resolver, so it is judged here.
        let literal = match host {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        };
        match literal {
            Some(address) if !is_public(address) => Err(Refusal::Address(address)),
            _ => Ok(Route::Guarded),
        }
    }
}

/// Whether `url` has the origin of `base` and a path at or below its path.
fn is_below(url: &Url, base: &Url) -> bool {
    let prefix = base.path().trim_end_matches('/');
    url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default()
        && url
            .path()
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(parent) => name.len().checked_sub(parent.len() + 1).is_some_and(|at| {
            name.as_bytes()[at] == b'.' && name[at + 1..].eq_ignore_ascii_case(parent)
        }),
        None => name.eq_ignore_ascii_case(pattern),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &Policy, url: &str) -> Result<Route, Refusal> {
        policy.check(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn every_way_to_write_a_private_address_is_refused() {
        let policy = Policy::default();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0xa9fea9fe/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://10.1/",
            "http://192.168.1.1:80/",
            "http://①②⑦.⓪.⓪.①/",
            "http://127.0.0.1./",
            "http://[64:ff9b::a9fe:a9fe]/",
        ] {
            assert!(matches!(check(&policy, url), Err(Refusal::Address(_))), "{url}");
        }
    }

    #[test]
    fn other_schemes_and_user_info_are_refused() {
        let policy = Policy::default();
        for url in ["ftp://example.com/", "file:///etc/passwd", "data:text/plain,a", "gopher://a/"]
        {
            assert!(matches!(check(&policy, url), Err(Refusal::Scheme(_))), "{url}");
        }
        assert!(matches!(check(&policy, "http://a@example.com/"), Err(Refusal::UserInfo)));
        assert!(matches!(check(&policy, "http://:b@example.com/"), Err(Refusal::UserInfo)));
        let policy = Policy { https_only: true, ..Policy::default() };
        assert!(matches!(check(&policy, "http://example.com/"), Err(Refusal::Scheme(_))));
        assert!(check(&policy, "https://example.com/").is_ok());
    }

    #[test]
    fn a_host_list_is_exact() {
        let allowed_hosts = vec!["api.example.com".to_owned(), "*.cdn.example".to_owned()];
        let policy = Policy { allowed_hosts, ..Policy::default() };
        for url in
            ["https://api.example.com/", "https://API.example.com./a", "https://a.b.cdn.example/"]
        {
            assert_eq!(check(&policy, url).ok(), Some(Route::Guarded), "{url}");
        }
        for url in [
            "https://example.com/",
            "https://xapi.example.com/",
            "https://api.example.com.evil.net/",
            "https://cdn.example/",
            "https://evilcdn.example/",
            "https://8.8.8.8/",
        ] {
            assert!(matches!(check(&policy, url), Err(Refusal::Host(_))), "{url}");
        }
    }

    #[test]
    fn trust_ends_where_the_prefix_ends() {
        let trusted = vec![Url::parse("http://127.0.0.1:4410/fal/").expect("a URL")];
        let policy = Policy { trusted, https_only: true, ..Policy::default() };
        for url in ["http://127.0.0.1:4410/fal", "http://127.0.0.1:4410/fal/queue?x=1"] {
            assert_eq!(check(&policy, url).ok(), Some(Route::Trusted), "{url}");
        }
        for url in [
            "http://127.0.0.1:4410/",
            "http://127.0.0.1:4410/falx",
            "https://127.0.0.1:4410/fal",
            "http://127.0.0.1:4411/fal",
            "http://127.0.0.2:4410/fal",
            "http://127.0.0.1:4410/fal/../x",
        ] {
            assert!(check(&policy, url).is_err(), "{url}");
        }
    }
}
