//! Versions of rows, which callers know as etags.

use crate::error::{Error, Result};

/// The version of a row. Each change adds one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Version(pub(crate) i64);

impl Version {
    /// Returns the version as callers see it.
    pub(crate) fn etag(self) -> String {
        format!("\"{}\"", self.0)
    }

    /// Fails unless `etag` is of this version. An empty one is of any.
    pub(crate) fn check(self, etag: &str) -> Result<()> {
        match etag.is_empty() || etag == self.etag() {
            true => Ok(()),
            false => Err(Error::EtagMismatch(self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_of_one_version() {
        let version = Version(3);
        assert_eq!(version.etag(), "\"3\"");
        assert!(version.check("").is_ok() && version.check("\"3\"").is_ok());
        assert!(matches!(version.check("\"2\""), Err(Error::EtagMismatch(_))));
        assert!(version.check("3").is_err());
    }
}
