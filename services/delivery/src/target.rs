//! Targets: buckets of customers that pictures are delivered to.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use types::id::TargetId;

/// A target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) id: TargetId,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) version: i64,
    pub(crate) address: Address,
    pub(crate) sealed_secret: SealedSecret,
    pub(crate) created_at: OffsetDateTime,
}

/// Where a bucket is, and who we are there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Address {
    pub(crate) endpoint_url: String,
    // Empty for stores that have none.
    pub(crate) region: String,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) access_key_id: String,
}

/// The secret of an access key, as it is kept.
#[derive(Clone)]
pub(crate) struct SealedSecret(pub(crate) Vec<u8>);

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret")
    }
}

/// The states of a target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Untested,
    Active,
    Refused,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Untested => "untested",
            Self::Active => "active",
            Self::Refused => "refused",
        }
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "untested" => Self::Untested,
            "active" => Self::Active,
            "refused" => Self::Refused,
            _ => return Err(format!("target state `{text}`")),
        })
    }
}

/// Says what is wrong with the prefix of keys, if anything is.
pub(crate) fn prefix_problem(prefix: &str) -> Option<&'static str> {
    if prefix.starts_with('/') {
        return Some("must not begin with a slash");
    }
    if prefix.chars().any(char::is_control) {
        return Some("must not have control characters");
    }
    // Many stores, and all who mirror a bucket to a disk, refuse such keys.
    let is_odd = |it: &str| it.is_empty() || it == "." || it == "..";
    let folders = prefix.rsplit_once('/').map_or("", |it| it.0);
    if !folders.is_empty() && folders.split('/').any(is_odd) {
        return Some("must not have empty folders, `.` or `..`");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_names_of_folders() {
        for fine in ["", "spring/", "spring/2026/", "new-", "a/b-"] {
            assert_eq!(prefix_problem(fine), None, "{fine}");
        }
        for odd in ["/", "/a/", "a//", "a//b", "../", "a/../b/", "./", "a\nb/"] {
            assert!(prefix_problem(odd).is_some(), "{odd}");
        }
    }
}
