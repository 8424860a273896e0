//! How fal fails, in the words of all vendors.

use provider::{Answer, Code, Failure, Retry};
use serde::Deserialize;

/// What fal says when it refuses: a list of details from a model, flat from its machinery.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    detail: Option<Detail>,
    #[serde(default)]
    error_type: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Detail {
    List(Vec<Item>),
    Text(String),
    Other(serde_json::Value),
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(default)]
    loc: Vec<serde_json::Value>,
    #[serde(default)]
    msg: String,
    #[serde(default, rename = "type")]
    kind: String,
}

/// Whether fal itself refused, and not a machine in front of it.
pub(crate) fn is_own(answer: &Answer) -> bool {
    answer.header("x-fal-request-id").is_some()
        || answer.header("x-fal-error-type").is_some()
        || answer.json::<Refusal>().is_ok_and(|it| it.error_type.is_some() || it.has_items())
}

/// Sorts a refusal.
pub(crate) fn of(answer: &Answer) -> Failure {
    let refusal: Refusal = answer.json().unwrap_or_default();
    let kind = refusal.kind().or_else(|| answer.header("x-fal-error-type").map(str::to_owned));
    let kind = kind.unwrap_or_default();
    let message = refusal.sentence();
    let message = match message.is_empty() {
        true => format!("the vendor answered {}", answer.status()),
        false => message,
    };
    let failure = answer.failure(message.clone());
    let code = match answer.status() {
        403 if message.to_ascii_lowercase().contains("balance") => Code::Billing,
        // Whatever the details say: without a key that is known nothing was looked at.
        401 | 402 | 403 | 429 => failure.code,
        _ => sort(&kind).unwrap_or(failure.code),
    };
    let failure = Failure {
        http_status: failure.http_status,
        retry_after: failure.retry_after,
        vendor_request_id: answer.header("x-fal-request-id").unwrap_or_default().to_owned(),
        ..Failure::new(code, message).called(kind)
    };
    match answer.header("x-fal-retryable") {
        Some("false") if failure.retry == Retry::SameRequest => {
            Failure { retry: Retry::Never, ..failure }
        }
        Some("true") if failure.retry == Retry::Never => {
            Failure { retry: Retry::SameRequest, ..failure }
        }
        _ => failure,
    }
}

/// Sorts a refusal to tell: what may be gone in a moment is of the asking, not of the run.
pub(crate) fn of_asking(answer: &Answer) -> Failure {
    match answer.status() {
        408 | 425 | 429 | 500..600 => of(answer).passing(),
        _ => of(answer),
    }
}

/// Sorts what a completed run says went wrong.
pub(crate) fn of_run(error: &str, kind: &str) -> Failure {
    Failure::new(sort(kind).unwrap_or(Code::Upstream), error).called(kind)
}

/// Sorts fal's own words.
fn sort(kind: &str) -> Option<Code> {
    Some(match kind {
        "content_policy_violation" => Code::ContentPolicyInput,
        "image_load_error"
        | "file_download_error"
        | "face_detection_error"
        | "unsupported_image_format"
        | "unsupported_audio_format"
        | "unsupported_video_format"
        | "invalid_archive" => Code::InputUnreadable,
        "image_too_large" | "file_too_large" => Code::InputTooLarge,
        "feature_not_supported" => Code::Unsupported,
        "generation_timeout" | "request_timeout" | "startup_timeout" => Code::Timeout,
        "internal_server_error"
        | "downstream_service_error"
        | "internal_error"
        | "runner_server_error"
        | "runner_incomplete_response" => Code::Upstream,
        "client_disconnected" | "client_cancelled" => Code::Cancelled,
        "downstream_service_unavailable" => Code::Overloaded,
        kind if kind.starts_with("runner_") => Code::Overloaded,
        _ => return None,
    })
}

impl Refusal {
    fn has_items(&self) -> bool {
        matches!(&self.detail, Some(Detail::List(_)))
    }

    fn kind(&self) -> Option<String> {
        match &self.detail {
            Some(Detail::List(items)) => items.first().map(|it| it.kind.clone()),
            _ => self.error_type.clone(),
        }
    }

    fn sentence(&self) -> String {
        match &self.detail {
            Some(Detail::List(items)) => items.first().map(Item::sentence).unwrap_or_default(),
            Some(Detail::Text(text)) => text.clone(),
            Some(Detail::Other(other)) => other.to_string(),
            None => self.message.clone().unwrap_or_default(),
        }
    }
}

impl Item {
    fn sentence(&self) -> String {
        let place: Vec<String> = self
            .loc
            .iter()
            .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
            .filter(|it| it != "body")
            .collect();
        if place.is_empty() {
            self.msg.clone()
        } else {
            format!("{}: {}", place.join("."), self.msg)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_name_their_place() -> Result<(), serde_json::Error> {
        let refusal: Refusal = serde_json::from_str(
            r#"{"detail":[{"loc":["body","image_urls",0],"msg":"too small","type":"image_too_small"}]}"#,
        )?;
        assert_eq!(refusal.sentence(), "image_urls.0: too small");
        assert_eq!(refusal.kind().as_deref(), Some("image_too_small"));
        let refusal: Refusal =
            serde_json::from_str(r#"{"detail":"no runner","error_type":"runner_disconnected"}"#)?;
        assert_eq!(refusal.sentence(), "no runner");
        assert_eq!(refusal.kind().and_then(|it| sort(&it)), Some(Code::Overloaded));
        Ok(())
    }

    #[test]
    fn every_documented_type_is_sorted_or_an_input_mistake() {
        assert_eq!(of_run("no", "content_policy_violation").code, Code::ContentPolicyInput);
        assert_eq!(of_run("no", "generation_timeout").code, Code::Timeout);
        assert_eq!(of_run("no", "runner_connection_refused").code, Code::Overloaded);
        assert_eq!(of_run("no", "client_cancelled").code, Code::Cancelled);
        assert_eq!(of_run("no", "something new").code, Code::Upstream);
        assert_eq!(sort("multiple_of"), None);
    }
}
