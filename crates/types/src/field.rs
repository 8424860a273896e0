//! What is wrong with the fields of a request.

/// The findings about one request, so that a caller mends all of them at once.
#[derive(Clone, Debug, Default, Eq, PartialEq, thiserror::Error)]
#[error("{}", sentences(.0))]
pub struct Findings(Vec<(String, String)>);

impl Findings {
    /// Returns the finding that the field at `path` is wrong, and why.
    pub fn of(path: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self(vec![(path.into(), sentence.into())])
    }

    /// Adds that the field at `path` is wrong, and why.
    pub fn add(&mut self, path: impl Into<String>, sentence: impl Into<String>) {
        self.0.push((path.into(), sentence.into()));
    }

    /// Adds that the text at `path` is missing, if it is.
    pub fn require(&mut self, path: &str, text: &str) {
        if text.is_empty() {
            self.add(path, "must not be empty");
        }
    }

    /// Fails with the findings if there are any.
    pub fn end(self) -> Result<(), Self> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(self),
        }
    }

    /// Returns the paths of the fields at fault, each with what is wrong.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0
    }
}

/// Writes fields at fault, each a path with what is wrong, as one sentence.
pub fn sentences(fields: &[(String, String)]) -> String {
    fields.iter().map(|(path, text)| format!("`{path}` {text}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_findings_are_told_at_once() {
        assert!(Findings::default().end().is_ok());
        let mut findings = Findings::default();
        findings.require("name", "tote");
        findings.require("sku", "");
        findings.add("price", "must not be negative");
        let Err(findings) = findings.end() else { panic!("accepted") };
        assert_eq!(findings.fields().len(), 2);
        assert_eq!(findings.to_string(), "`sku` must not be empty, `price` must not be negative");
    }
}
