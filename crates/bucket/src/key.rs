//! Which object keys are taken.

use s3s::{S3Result, s3_error};

/// What S3 itself allows.
const LONGEST: usize = 1024;

/// Refuses keys that some other store or tool would read as a path out of the bucket.
pub(crate) fn check(key: &str) -> S3Result<()> {
    if key.len() > LONGEST {
        return Err(s3_error!(KeyTooLongError));
    }
    // A closing slash is how S3 tools write "folder".
    let path = key.strip_suffix('/').unwrap_or(key);
    if path.split('/').any(|it| matches!(it, "" | "." | "..")) {
        return Err(s3_error!(InvalidArgument, "the key has an empty, `.` or `..` segment"));
    }
    if key.chars().any(|it| it.is_control() || it == '\\') {
        return Err(s3_error!(InvalidArgument, "the key has a control character or a backslash"));
    }
    Ok(())
}

/// Writes a key as `encoding-type=url` answers do.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_out_of_the_bucket_are_refused() {
        for key in
            ["", "/", "../evil", "a/../b", "a/./b", "a//b", "/a", "a\\b", "a\0b", "..", "a/.."]
        {
            assert!(check(key).is_err(), "{key:?}");
        }
        assert!(check(&"k".repeat(1025)).is_err());
    }

    #[test]
    fn ordinary_keys_are_taken() {
        for key in ["a", "a/b.png", "...", "a/..b", "..b/c", "dir/", "ä b+c%20", &"k".repeat(1024)]
        {
            assert!(check(key).is_ok(), "{key:?}");
        }
    }

    #[test]
    fn encoding_keeps_slashes() {
        assert_eq!(encode("a b/c+%ä"), "a%20b/c%2B%25%C3%A4");
    }
}
