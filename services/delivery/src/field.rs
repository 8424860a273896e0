//! What is wrong with the fields of a request.

use crate::error::{Error, Result};

/// The findings about one request, so that a caller mends all of them at once.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<(String, String)>);

impl Findings {
    /// Adds that the field at `path` is wrong, and why.
    pub(crate) fn add(&mut self, path: impl Into<String>, sentence: impl Into<String>) {
        self.0.push((path.into(), sentence.into()));
    }

    /// Adds that the text at `path` is missing, if it is.
    pub(crate) fn require(&mut self, path: &str, text: &str) {
        if text.is_empty() {
            self.add(path, "must not be empty");
        }
    }

    /// Fails if there are any.
    pub(crate) fn end(self) -> Result<()> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Error::Fields(self.0)),
        }
    }
}
