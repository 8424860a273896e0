//! How the vendor says no.
//!
//! Two shapes: a model's complaint about its input is a list of `{loc, msg, type, ctx, url}` under
//! `detail`; the platform's own is a sentence under `detail` with an `error_type`. Either carries
//! `message` too, which the JavaScript client reads.

mod menu;

use serde::Serialize;
use serde_json::{Value, json};

/// One complaint about one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Problem {
    pub(crate) loc: Vec<Value>,
    pub(crate) msg: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ctx: Option<Value>,
    pub(crate) url: String,
}

impl Problem {
    /// A complaint about a field of the body, or an element of one.
    pub(crate) fn new(
        field: &str,
        index: Option<usize>,
        kind: &str,
        msg: impl Into<String>,
    ) -> Self {
        let mut loc = vec![json!("body")];
        if !field.is_empty() {
            loc.push(json!(field));
        }
        loc.extend(index.map(|it| json!(it)));
        Self {
            loc,
            msg: msg.into(),
            kind: kind.to_owned(),
            ctx: None,
            url: format!("https://docs.fal.ai/errors#{kind}"),
        }
    }

    /// Adds what the sentence interpolates.
    pub(crate) fn with(mut self, ctx: Value) -> Self {
        self.ctx = Some(ctx);
        self
    }
}

/// An answer that is not what was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) detail: Value,
    pub(crate) message: String,
    pub(crate) error_type: Option<String>,
    /// The header `X-Fal-Retryable`, which only models send.
    pub(crate) retryable: Option<bool>,
    /// The header `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// The header `x-fal-request-timeout-type`.
    pub(crate) timeout_type: Option<&'static str>,
}

impl Refusal {
    /// A sentence of the platform's.
    pub(crate) fn flat(status: u16, error_type: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            detail: json!(message),
            message,
            error_type: (!error_type.is_empty()).then(|| error_type.to_owned()),
            retryable: None,
            retry_after: None,
            timeout_type: None,
        }
    }

    /// A model's complaints about its input.
    pub(crate) fn model(status: u16, problems: Vec<Problem>, retryable: bool) -> Self {
        let message =
            problems.first().map_or_else(|| "unprocessable".to_owned(), |it| it.msg.clone());
        let error_type = problems.first().map(|it| it.kind.clone());
        Self {
            status,
            detail: json!(problems),
            message,
            error_type,
            retryable: Some(retryable),
            retry_after: None,
            timeout_type: None,
        }
    }

    /// A model's complaint about one field.
    pub(crate) fn invalid(problem: Problem) -> Self {
        Self::model(422, vec![problem], false)
    }

    /// The key is not one of ours.
    pub(crate) fn unauthorized() -> Self {
        Self::flat(401, "", "No user found for Key ID and Secret")
    }

    /// There is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::flat(404, "", message)
    }

    /// The body, which serves both official clients.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({"detail": self.detail, "message": self.message});
        if let Some(error_type) = &self.error_type {
            body["error_type"] = json!(error_type);
        }
        body
    }
}
