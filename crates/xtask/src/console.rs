//! What the person at the terminal sees.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Something under way: a spinner on a terminal, one line at its end anywhere.
pub(crate) struct Step {
    bar: Option<ProgressBar>,
    begun: Instant,
}

impl Step {
    pub(crate) fn begin(text: impl Into<String>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
                .expect("the template is well formed");
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        let step = Self { bar, begun: Instant::now() };
        step.now(text);
        step
    }

    /// Says what it waits for.
    pub(crate) fn now(&self, text: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.into());
        }
    }

    /// Prints a line without disturbing the spinner.
    pub(crate) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    pub(crate) fn done(self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        say(&format!("{text} ({})", seconds(self.begun.elapsed())));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Prints one line.
pub(crate) fn say(text: &str) {
    // A reader that went away is no reason to stop.
    let _ =
        std::io::Write::write_all(&mut std::io::stdout().lock(), format!("{text}\n").as_bytes());
}

/// Prints why it ends.
pub(crate) fn fail(error: &anyhow::Error) {
    let text = format!("error: {error:#}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
