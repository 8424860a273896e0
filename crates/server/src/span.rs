//! Traces: which piece of work is part of which, across processes and queues.
//!
//! Where a call or a row of a queue goes, its [`Trace`] goes with it, as W3C `traceparent`. It is a
//! value like the id of a request: no thread and no task keeps one that nobody handed to it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::Instrument;

/// The header, and the name of the columns, that carry a trace.
pub(crate) const TRACEPARENT: &str = "traceparent";

static RECORDER: OnceLock<Recorder> = OnceLock::new();

/// What sends spans away.
#[derive(Debug)]
struct Recorder {
    tracer: SdkTracer,
    ratio: f64,
}

/// Lets spans be recorded from here on: of the traces that begin here or at a door, `ratio`.
pub(crate) fn record(tracer: SdkTracer, ratio: f64) {
    // Fails where somebody records already, which is as good.
    let _ = RECORDER.set(Recorder { tracer, ratio });
}

/// Tells whether spans go anywhere.
pub(crate) fn is_recorded() -> bool {
    RECORDER.get().is_some()
}

/// A place in a trace. The default is no place at all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Trace {
    trace_id: u128,
    span_id: u64,
    is_sampled: bool,
}

impl Trace {
    /// Returns the place that a call came from. None if it does not say, or not clearly.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = headers.get(TRACEPARENT).and_then(|it| it.to_str().ok());
        text.and_then(|it| it.parse().ok()).unwrap_or_default()
    }

    /// Returns a place in a trace of its own, which nobody records.
    pub(crate) fn unsampled() -> Self {
        let (trace_id, span_id) =
            (rand::random_range(1..=u128::MAX), rand::random_range(1..=u64::MAX));
        Self { trace_id, span_id, is_sampled: false }
    }

    /// Returns the place that `text` names. None if it names none.
    pub fn stored(text: Option<&str>) -> Self {
        text.and_then(|it| it.parse().ok()).unwrap_or_default()
    }

    /// Returns what is to be stored with work that goes on later.
    pub fn to_store(self) -> Option<String> {
        self.is_known().then(|| self.to_string())
    }

    /// Tells whether there is a trace at all.
    pub fn is_known(self) -> bool {
        self.trace_id != 0
    }

    /// Returns the id that all of a trace shares, as log lines show it.
    pub fn id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    pub(crate) fn write(self, headers: &mut HeaderMap) {
        if self.is_known() {
            let value = HeaderValue::try_from(self.to_string()).expect("plain ASCII");
            headers.insert(TRACEPARENT, value);
        }
    }

    /// Decides anew whether a trace that a stranger began is recorded: what strangers ask for must
    /// not cost us more than we meant to spend.
    pub(crate) fn judged(self) -> Self {
        let ratio = RECORDER.get().map_or(0.0, |it| it.ratio);
        let part = (self.trace_id as u64 >> 1) as f64 / (1_u64 << 63) as f64;
        Self { is_sampled: part < ratio, ..self }
    }

    fn context(self) -> Context {
        if !self.is_known() {
            return Context::new();
        }
        let (trace_id, span_id) = (TraceId::from(self.trace_id), SpanId::from(self.span_id));
        let flags = TraceFlags::default().with_sampled(self.is_sampled);
        let parent = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
        Context::new().with_remote_span_context(parent)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.is_sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.span_id)
    }
}

/// A text that names no place in a trace.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a traceparent")]
pub struct Malformed;

impl FromStr for Trace {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (
            hex(parts.next(), 2)?,
            hex(parts.next(), 32)?,
            hex(parts.next(), 16)?,
            hex(parts.next(), 2)?,
        );
        // Later versions may append to it; this one, and the one that is no version, may not.
        if version == 0xff || (version == 0 && parts.next().is_some()) || trace == 0 || span == 0 {
            return Err(Malformed);
        }
        let span_id = u64::try_from(span).map_err(|_| Malformed)?;
        Ok(Self { trace_id: trace, span_id, is_sampled: flags & 1 == 1 })
    }
}

fn hex(text: Option<&str>, length: usize) -> Result<u128, Malformed> {
    let text = text.filter(|it| it.len() == length).ok_or(Malformed)?;
    let is_fit = text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    is_fit.then(|| u128::from_str_radix(text, 16).ok()).flatten().ok_or(Malformed)
}

/// A piece of work that takes time, as a part of a trace. Ends when it is dropped.
///
/// Where nobody records, it costs next to nothing and hands on the trace that it was given.
#[derive(Debug)]
pub struct Span {
    name: Cow<'static, str>,
    trace: Trace,
    recorded: Option<opentelemetry_sdk::trace::Span>,
}

impl Span {
    /// Begins a piece of work that is a part of what `parent` is a place in, or of nothing known.
    pub fn begin(name: &'static str, parent: Trace) -> Self {
        Self::of_kind(SpanKind::Internal, name.into(), parent)
    }

    /// Begins to answer a call.
    pub(crate) fn server(name: impl Into<Cow<'static, str>>, parent: Trace) -> Self {
        Self::of_kind(SpanKind::Server, name.into(), parent)
    }

    /// Begins a call to somebody else.
    pub(crate) fn client(name: &'static str, parent: Trace) -> Self {
        Self::of_kind(SpanKind::Client, name.into(), parent)
    }

    fn of_kind(kind: SpanKind, name: Cow<'static, str>, parent: Trace) -> Self {
        let Some(Recorder { tracer, .. }) = RECORDER.get() else {
            let trace = if parent.is_known() { parent } else { Trace::unsampled() };
            return Self { name, trace, recorded: None };
        };
        let builder = tracer.span_builder(name.clone()).with_kind(kind);
        let recorded = builder.start_with_context(tracer, &parent.context());
        let context = recorded.span_context();
        let trace = Trace {
            trace_id: u128::from_be_bytes(context.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(context.span_id().to_bytes()),
            is_sampled: context.is_sampled(),
        };
        Self { name, trace, recorded: Some(recorded).filter(|it| it.is_recording()) }
    }

    /// Returns the place that parts of this work name as where they belong.
    pub fn trace(&self) -> Trace {
        self.trace
    }

    /// Notes something about the work. Never a secret, a URL or what somebody wrote.
    pub fn note(&mut self, key: &'static str, value: impl Into<opentelemetry::Value>) {
        if let Some(recorded) = &mut self.recorded {
            recorded.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Notes that the work failed, and how in a word.
    pub fn fail(&mut self, reason: &'static str) {
        if let Some(recorded) = &mut self.recorded {
            recorded.set_attribute(KeyValue::new("error.type", reason));
            recorded.set_status(Status::error(reason));
        }
    }

    /// Does `work` as a part of this span; log lines of it carry the trace.
    pub async fn cover<T>(&self, work: impl Future<Output = T>) -> T {
        let log = tracing::info_span!("work", work.name = &*self.name, trace.id = self.trace.id());
        work.instrument(log).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_read_is_written_back() {
        let trace: Trace = TEXT.parse().unwrap_or_default();
        assert!(trace.is_known());
        assert_eq!(trace.to_string(), TEXT);
        assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(Trace::stored(trace.to_store().as_deref()), trace);
    }

    #[test]
    fn nonsense_is_no_trace() {
        let long = format!("{TEXT}-00");
        let later = long.replacen("00-", "01-", 1);
        assert!(later.parse::<Trace>().is_ok());
        let zero = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        let capital = TEXT.to_uppercase();
        let never = TEXT.replacen("00-", "ff-", 1);
        for text in ["", "00", &TEXT[1..], &long, &zero, &capital, &never, "a-b-c-d"] {
            assert_eq!(text.parse::<Trace>(), Err(Malformed), "{text}");
        }
        assert!(!Trace::default().is_known());
        assert_eq!(Trace::default().to_store(), None);
    }

    #[test]
    fn a_span_of_nobody_hands_on_what_it_was_given() {
        let trace: Trace = TEXT.parse().unwrap_or_default();
        assert_eq!(Span::begin("x", trace).trace(), trace);
        let fresh = Span::begin("x", Trace::default()).trace();
        assert!(fresh.is_known() && !fresh.is_sampled);
        assert!(!trace.judged().is_sampled, "nobody records here");
    }
}
