//! Versions of rows, which callers know as etags.

/// The version of a row. Each change adds one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Version(pub i64);

/// The version of a row is another one than a caller read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("it was changed since it was read; its etag is now {}", .0.etag())]
pub struct EtagMismatch(pub Version);

impl Version {
    /// Returns the version as callers see it.
    pub fn etag(self) -> String {
        format!("\"{}\"", self.0)
    }

    /// Fails unless `etag` is of this version. An empty one is of any.
    pub fn check(self, etag: &str) -> Result<(), EtagMismatch> {
        match etag.is_empty() || etag == self.etag() {
            true => Ok(()),
            false => Err(EtagMismatch(self)),
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
        assert_eq!(version.check("\"2\""), Err(EtagMismatch(version)));
        assert!(version.check("3").is_err());
    }
}
