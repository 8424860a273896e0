//! What people and organizations are called.

use crate::error::{Error, Result};

/// What a person or an organization is called. Invariant: never blank.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Name(String);

impl Name {
    /// Reads the name that `field` of a request holds.
    pub(crate) fn parse(field: &'static str, text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(Error::Field {
                field,
                sentence: "must be a line of text that is not blank",
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// Trusts `text` to have been parsed before it was stored.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_never_blank() {
        assert_eq!(Name::parse("name", "  Ana ").ok().map(String::from).as_deref(), Some("Ana"));
        assert!(Name::parse("name", " \t ").is_err());
        assert!(Name::parse("name", "A\nB").is_err());
    }
}
