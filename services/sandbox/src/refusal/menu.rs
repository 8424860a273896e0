//! Every error that can be ordered by name.

use serde_json::json;

use super::{Problem, Refusal};

impl Refusal {
    /// Makes the error of this name as the vendor would answer it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let terminal =
            |field: &str, msg: &str| Some(Self::invalid(Problem::new(field, None, name, msg)));
        let sized = |msg: &str, ctx| {
            Some(Self::invalid(Problem::new("image_url", None, name, msg).with(ctx)))
        };
        let retryable = |status, msg: &str| {
            Some(Self::model(status, vec![Problem::new("", None, name, msg)], true))
        };
        let flat = |status, msg: &str| Some(Self::flat(status, name, msg));
        let plain = |status, msg: &str| Some(Self::flat(status, "", msg));
        match name {
            "unauthorized" => Some(Self::unauthorized()),
            "forbidden" => plain(403, "Access to this application is denied"),
            "balance" => plain(
                403,
                "User is locked. Reason: Exhausted balance. Top up your balance at \
                 fal.ai/dashboard/billing.",
            ),
            "payment_required" => plain(402, "Payment required: exhausted balance"),
            "not_found" => plain(404, "Not found"),
            "rate_limited" => plain(429, "Too many requests: concurrency limit reached"),
            "content_policy_violation" => terminal(
                "prompt",
                "The content could not be processed because it was flagged by a content checker",
            ),
            "image_load_error" => terminal("image_url", "Failed to load the image"),
            "file_download_error" => terminal("image_url", "Failed to download the file"),
            "face_detection_error" => terminal("image_url", "No face was found in the image"),
            "file_too_large" => terminal("image_url", "The file is too large"),
            "feature_not_supported" => terminal("", "The feature is not supported"),
            "one_of" => Some(Self::invalid(
                Problem::new("output_format", None, name, "Input should be 'jpeg' or 'png'")
                    .with(json!({"expected": ["jpeg", "png"]})),
            )),
            "image_too_small" => {
                sized("The image is too small", json!({"min_height": 512, "min_width": 512}))
            }
            "image_too_large" => {
                sized("The image is too large", json!({"max_height": 4096, "max_width": 4096}))
            }
            "internal_server_error" => retryable(500, "Internal server error"),
            "generation_timeout" => retryable(504, "The generation took too long"),
            "downstream_service_error" => retryable(400, "A downstream service failed"),
            "downstream_service_unavailable" => {
                retryable(500, "A downstream service is unavailable")
            }
            "request_timeout" => {
                let mut refusal = Self::flat(504, name, "Request timed out before it was started");
                refusal.timeout_type = Some("user");
                Some(refusal)
            }
            "startup_timeout" => flat(504, "The runner did not start in time"),
            "runner_scheduling_failure" => flat(503, "No runner could be scheduled"),
            "runner_connection_timeout"
            | "runner_connection_refused"
            | "runner_connection_error" => flat(503, "The runner could not be reached"),
            "runner_disconnected" => flat(503, "The runner disconnected"),
            "runner_incomplete_response" => flat(502, "The runner sent an incomplete response"),
            "runner_server_error" | "internal_error" => flat(500, "The runner failed"),
            "client_disconnected" | "client_cancelled" => flat(499, "Request was cancelled"),
            "bad_request" => flat(400, "Bad request"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_serve_both_clients() {
        for (name, status) in [
            ("balance", 403),
            ("rate_limited", 429),
            ("image_load_error", 422),
            ("generation_timeout", 504),
            ("runner_disconnected", 503),
        ] {
            let refusal = Refusal::named(name);
            assert_eq!(refusal.as_ref().map(|it| it.status), Some(status), "{name}");
            let body = refusal.map(|it| it.body()).unwrap_or_default();
            assert!(body["message"].is_string() && !body["detail"].is_null(), "{name}");
        }
        assert_eq!(Refusal::named("nothing of the kind"), None);
    }
}
