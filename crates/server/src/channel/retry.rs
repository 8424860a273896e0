//! What a failure means: whether anything was sent, whether to try again, and when.

use std::error::Error;
use std::time::Duration;

use http::HeaderMap;
use tonic::{Code, ConnectError, Status, TimeoutExpired};
use tonic_types::StatusExt;

use crate::fault::refusal_for;

/// How often a call is made at most.
pub(super) const ATTEMPTS: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What a service may ask us to wait before we leave the waiting to our own caller.
const LONGEST_WISH: Duration = Duration::from_secs(2);

/// Returns the refusal in `headers`, if the service was unavailable.
pub(super) fn unavailable(headers: &HeaderMap) -> Option<Status> {
    // The common case costs one look.
    headers.get("grpc-status")?;
    Status::from_header_map(headers).filter(|it| it.code() == Code::Unavailable)
}

/// Returns how long to wait before the next attempt, or nothing when none is wanted.
pub(super) fn pause(attempt: u32, refusal: Option<(&Status, &HeaderMap)>) -> Option<Duration> {
    let wish = refusal.map(|(status, headers)| wish(status, headers));
    match wish {
        Some(Wish::Never) => None,
        Some(Wish::After(delay)) => (delay <= LONGEST_WISH).then_some(delay),
        Some(Wish::None) | None => Some(backoff(attempt)),
    }
}

/// Returns a random time up to one that doubles with each attempt.
fn backoff(attempt: u32) -> Duration {
    let most = FIRST_PAUSE * 2_u32.saturating_pow(attempt.min(10));
    most.min(LONGEST_PAUSE).mul_f64(rand::random_range(0.0..1.0))
}

enum Wish {
    None,
    After(Duration),
    Never,
}

fn wish(status: &Status, headers: &HeaderMap) -> Wish {
    let pushback = headers.get("grpc-retry-pushback-ms").and_then(|it| it.to_str().ok());
    if let Some(text) = pushback {
        // The protocol: anything but a number, and any negative one, means never.
        return match text.parse::<u64>() {
            Ok(millis) => Wish::After(Duration::from_millis(millis)),
            Err(_) => Wish::Never,
        };
    }
    let details = status.get_details_retry_info();
    details.and_then(|it| it.retry_delay).map_or(Wish::None, Wish::After)
}

/// Tells whether `error` proves that the service never saw the request.
pub(super) fn was_unsent(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        if cause.is::<ConnectError>() {
            return true;
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            // Still in the queue of a connection that closed.
            return error.is_canceled();
        }
        // The peer named the last stream it would look at, and ours came later.
        cause.downcast_ref::<h2::Error>().is_some_and(|error| {
            let is_refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
            let is_late = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
            error.is_remote() && (is_refused || is_late)
        })
    })
}

/// Tells whether `error` is about the deadline of the call.
pub(super) fn is_late(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<TimeoutExpired>())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// Says that the service could not be reached.
pub(super) fn unreachable(to: impl std::fmt::Display) -> Status {
    refusal_for(FIRST_PAUSE, "UNREACHABLE", format!("{to} cannot be reached"))
}

/// Says that the connection was lost when the request may have been seen already.
pub(super) fn cut_off(error: &(dyn Error + 'static)) -> Status {
    tracing::debug!(error = types::chain(error), "connection lost under a call");
    refusal_for(FIRST_PAUSE, "CONNECTION_LOST", "the connection was lost")
}

/// Gives the failure of a stream the code that it deserves.
///
/// tonic speaks of `Unknown` and `Internal` where a peer went away; callers who follow a stream
/// must know that coming back is worth it.
pub(super) fn lost(status: Status) -> Status {
    match (status.code(), status.source()) {
        (_, Some(source)) if causes(source).any(is_transport) => cut_off(source),
        _ => status,
    }
}

fn is_transport(error: &(dyn Error + 'static)) -> bool {
    error.is::<hyper::Error>() || error.is::<h2::Error>() || error.is::<std::io::Error>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pushback: Option<&'static str>, delay: Option<Duration>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        if let Some(text) = pushback {
            headers.insert("grpc-retry-pushback-ms", http::HeaderValue::from_static(text));
        }
        let status = match delay {
            Some(delay) => refusal_for(delay, "OVERLOADED", ""),
            None => Status::unavailable(""),
        };
        pause(1, Some((&status, &headers)))
    }

    #[test]
    fn pauses_grow_and_are_bounded() {
        for attempt in 0..50 {
            let most = (FIRST_PAUSE * 2_u32.pow(attempt.min(10))).min(LONGEST_PAUSE);
            assert!(backoff(attempt) <= most);
        }
    }

    #[test]
    fn the_service_decides_when_to_come_back() {
        let soon = Duration::from_millis(300);
        assert_eq!(refused(None, Some(soon)), Some(soon));
        assert_eq!(refused(Some("40"), Some(soon)), Some(Duration::from_millis(40)));
        assert_eq!(refused(Some("-1"), None), None);
        assert_eq!(refused(Some("never"), None), None);
        assert_eq!(refused(None, Some(Duration::from_secs(60))), None);
        assert!(refused(None, None).is_some_and(|it| it <= 2 * FIRST_PAUSE));
    }
}
