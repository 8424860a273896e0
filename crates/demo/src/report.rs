//! Telling what happens, and how long it takes.

use std::time::{Duration, Instant};

use tonic::Status;
use tonic_types::StatusExt;

/// Prints the steps of a story.
#[derive(Debug)]
pub(crate) struct Report {
    began: Instant,
    step: u32,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), step: 0 }
    }

    /// Does a step and prints what came of it, as `say` puts it.
    pub(crate) async fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = anyhow::Result<T>>,
        say: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<T> {
        self.step += 1;
        let began = Instant::now();
        let done = work.await?;
        let took = seconds(began.elapsed());
        println!("{:>2}. {name:<22} {took:>8}  {}", self.step, say(&done));
        Ok(done)
    }

    /// Prints how long it all took.
    pub(crate) fn end(&self) {
        println!("    {:<22} {:>8}", "in all", seconds(self.began.elapsed()));
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

/// Puts `error` as a person would read it: refusals with their fields and the id to report.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let Some(status) = error.chain().find_map(|it| it.downcast_ref::<Status>()) else {
        return format!("{error:#}");
    };
    let details = status.get_error_details();
    let mut text = status.message().to_owned();
    if let Some(fields) = details.bad_request() {
        for field in &fields.field_violations {
            text.push_str(&format!("\n  {}: {}", field.field, field.description));
        }
    }
    if let Some(info) = details.error_info() {
        let request = info.metadata.get("request_id").map(|it| format!(", request {it}"));
        text.push_str(&format!(" ({}{})", info.reason, request.unwrap_or_default()));
    }
    text
}
