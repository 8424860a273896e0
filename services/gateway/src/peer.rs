//! The address that a call comes from, where proxies stand before the gateway.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Lets everything after it see the caller, not the last of so many proxies, as the peer.
pub(crate) async fn layer(
    State(n_proxies): State<u8>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(address) = behind(n_proxies, request.headers()) {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
    }
    next.run(request).await
}

/// Returns the address that the first of our own proxies was called from. None if none did.
///
/// Each proxy adds whom it was called by to the end; what stands before that, anybody may have made up.
fn behind(n_proxies: u8, headers: &HeaderMap) -> Option<IpAddr> {
    let last = usize::from(n_proxies).checked_sub(1)?;
    let lines = headers.get_all(FORWARDED_FOR).iter().map(|it| it.to_str().unwrap_or_default());
    let named: Vec<_> = lines.flat_map(|it| it.split(',')).map(str::trim).collect();
    address(named.iter().rev().nth(last)?)
}

/// Reads an address; some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse().ok().map(|it: SocketAddr| it.ip()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(n_proxies: u8, lines: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        behind(n_proxies, &headers).map(|it| it.to_string())
    }

    #[test]
    fn only_what_our_own_proxies_added_is_believed() {
        let lines = ["10.0.0.1, 192.0.2.7", "198.51.100.3"];
        assert_eq!(seen(0, &lines), None);
        assert_eq!(seen(1, &lines).as_deref(), Some("198.51.100.3"));
        assert_eq!(seen(2, &lines).as_deref(), Some("192.0.2.7"));
        assert_eq!(seen(4, &lines), None);
        assert_eq!(seen(1, &[]), None);
        assert_eq!(seen(1, &["192.0.2.7, unknown"]), None);
    }

    #[test]
    fn addresses_are_read_with_and_without_a_port() {
        for (text, expected) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(address(text).map(|it| it.to_string()).as_deref(), Some(expected));
        }
    }
}
