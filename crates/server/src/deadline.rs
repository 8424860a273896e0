//! How long a call may take: as long as its caller waits, and no call without an end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

use crate::fault::{Code, refusal, refusal_for};
use crate::{answer, method};

/// The header that says how long the caller waits.
pub(crate) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// What is too little to do anything in; such a call is refused before it costs anything.
pub(crate) const LEAST: Duration = Duration::from_millis(20);

/// When the caller stops waiting, as everything within the call may read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(pub(crate) Instant);

/// What bounds calls.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// The longest that a call may take which is no stream.
    pub(crate) longest_call: Duration,
    /// Cancelled when a stopping process can wait for streams no longer.
    pub(crate) cut: CancellationToken,
}

/// Ends calls and streams when their time is up.
pub(crate) async fn layer(
    State(bounds): State<Bounds>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_unary = method::of(request.uri().path()).is_unary();
    let asked = asked(request.headers());
    let time = match is_unary {
        true => Some(asked.unwrap_or(bounds.longest_call).min(bounds.longest_call)),
        // A stream lives as long as it is wanted, unless its caller said how long.
        false => asked,
    };
    if time.is_some_and(|it| it < LEAST) {
        return exceeded().into_http();
    }
    let deadline = time.map(|it| Instant::now() + it);
    if let Some(deadline) = deadline {
        request.extensions_mut().insert(Deadline(deadline));
    }
    let end = End::new(deadline, bounds.cut);
    let mut bounded = Box::pin(end);
    let response = tokio::select! {
        biased;
        response = next.run(request) => response,
        status = &mut bounded => return status.into_http(),
    };
    response.map(|body| Body::new(Bounded { body, end: bounded, has_ended: false }))
}

/// Refuses what took too long.
pub(crate) fn exceeded() -> Status {
    refusal(Code::DeadlineExceeded, "DEADLINE", "the deadline passed")
}

/// Reads how long the caller waits.
pub(crate) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // The protocol allows eight digits, so that nothing overflows.
    if 8 < digits.len() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Writes how long the caller waits.
pub(crate) fn header(time: Duration) -> HeaderValue {
    let text = match time.as_micros() {
        micros @ ..100_000_000 => format!("{micros}u"),
        _ => match time.as_millis() {
            millis @ ..100_000_000 => format!("{millis}m"),
            _ => format!("{}S", time.as_secs().min(99_999_999)),
        },
    };
    HeaderValue::from_str(&text).expect("digits and a letter")
}

/// The end of a call's time. Resolves to why.
struct End {
    sleep: Option<Pin<Box<Sleep>>>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl End {
    fn new(deadline: Option<Instant>, cut: CancellationToken) -> Self {
        let sleep = deadline.map(|it| Box::pin(tokio::time::sleep_until(it.into())));
        Self { sleep, cut: Box::pin(cut.cancelled_owned()) }
    }
}

impl Future for End {
    type Output = Status;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Status> {
        if let Some(sleep) = &mut self.sleep
            && sleep.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(exceeded());
        }
        if self.cut.as_mut().poll(cx).is_ready() {
            let soon = Duration::from_millis(100);
            return Poll::Ready(refusal_for(soon, "DRAINING", "the server is going away"));
        }
        Poll::Pending
    }
}

/// A body that ends when the call's time is up, whatever its source does.
struct Bounded {
    body: Body,
    end: Pin<Box<End>>,
    has_ended: bool,
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        // The end comes first: a source that is always ready must not outrun it.
        if let Poll::Ready(status) = this.end.as_mut().poll(cx) {
            this.has_ended = true;
            // Lets go of what the stream held.
            this.body = Body::empty();
            return Poll::Ready(Some(Ok(answer::trailers(&status))));
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Option<Duration> {
        asked(&HeaderMap::from_iter([(
            http::HeaderName::from_static(GRPC_TIMEOUT),
            HeaderValue::from_static(text),
        )]))
    }

    #[test]
    fn every_unit_is_understood() {
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("4S"), Some(Duration::from_secs(4)));
        assert_eq!(read("5m"), Some(Duration::from_millis(5)));
        assert_eq!(read("6u"), Some(Duration::from_micros(6)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
    }

    #[test]
    fn nonsense_is_as_good_as_nothing() {
        for text in ["", "S", "5", "-5S", "5s", "5 S", "123456789S", "+5S"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for millis in [0, 1, 50, 29_950, 3_600_000, 200_000_000] {
            let time = Duration::from_millis(millis);
            let headers =
                HeaderMap::from_iter([(http::HeaderName::from_static(GRPC_TIMEOUT), header(time))]);
            assert_eq!(asked(&headers), Some(time));
        }
    }
}
