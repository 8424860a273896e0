//! URLs that let others read or write one object for a while.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use time::OffsetDateTime;

use super::{Objects, Result};

/// How long a URL works that a file is brought or a provider reads with.
const LONG: Duration = Duration::from_secs(60 * 60);

/// How long a URL works that a browser shows a picture with.
const SHORT: Duration = Duration::from_secs(10 * 60);

/// For how long the same URL is signed again, so that browsers find its picture in their cache.
/// What is left of [`SHORT`] is what the contract promises.
const STABLE: u64 = 5 * 60;

/// A request that somebody else may make.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) url: String,
    // Must be sent as they are.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) expires_at: OffsetDateTime,
}

impl Objects {
    /// Signs the PUT of exactly `size_bytes` of `media_type`.
    pub(crate) async fn sign_put(
        &self,
        key: &str,
        media_type: &str,
        size_bytes: i64,
    ) -> Result<Signed> {
        let (config, expires_at) = from_now();
        let request = self
            .outside
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(media_type)
            .content_length(size_bytes)
            .presigned(config)
            .await?;
        Ok(signed(&request, expires_at))
    }

    /// Signs the PUT of one part of exactly `size_bytes`.
    pub(crate) async fn sign_part(
        &self,
        key: &str,
        id: &str,
        number: i32,
        size_bytes: i64,
    ) -> Result<Signed> {
        let (config, expires_at) = from_now();
        let request = self
            .outside
            .upload_part()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(id)
            .part_number(number)
            .content_length(size_bytes)
            .presigned(config)
            .await?;
        Ok(signed(&request, expires_at))
    }

    /// Signs the GET of an object for somebody who may take a while to come. A browser saves it under
    /// `filename`, if there is one.
    pub(crate) async fn sign_get(&self, key: &str, filename: Option<&str>) -> Result<Signed> {
        let (config, expires_at) = from_now();
        let request = self
            .outside
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .set_response_content_disposition(filename.map(disposition));
        Ok(signed(&request.presigned(config).await?, expires_at))
    }

    /// Signs the GET of an object for a browser, which saves it under `filename` if there is one.
    pub(crate) async fn sign_show(&self, key: &str, filename: Option<&str>) -> Result<Signed> {
        let seconds = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds - seconds % STABLE);
        let config = lasting(SHORT).start_time(start).build().expect("ten minutes are allowed");
        let request = self
            .outside
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .set_response_content_disposition(filename.map(disposition))
            .presigned(config)
            .await?;
        Ok(signed(&request, OffsetDateTime::from(start + SHORT)))
    }
}

fn from_now() -> (PresigningConfig, OffsetDateTime) {
    let start = SystemTime::now();
    let config = lasting(LONG).start_time(start).build().expect("an hour is allowed");
    (config, OffsetDateTime::from(start + LONG))
}

fn lasting(life: Duration) -> aws_sdk_s3::presigning::PresigningConfigBuilder {
    PresigningConfig::builder().expires_in(life)
}

fn signed(request: &PresignedRequest, expires_at: OffsetDateTime) -> Signed {
    let headers = request
        .headers()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("host"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Signed { url: request.uri().to_owned(), headers, expires_at }
}

/// Writes a file name as RFC 6266 does: once for old readers, once as it is.
fn disposition(filename: &str) -> String {
    let plain: String = filename
        .chars()
        .map(|it| match it {
            '"' | '\\' | '/' | '%' => '_',
            it if it.is_ascii_graphic() || it == ' ' => it,
            _ => '_',
        })
        .collect();
    let mut exact = String::with_capacity(filename.len());
    for byte in filename.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                exact.push(char::from(byte));
            }
            byte => exact.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_header() {
        assert_eq!(
            disposition("a\"; b\r\n/ü.png"),
            "attachment; filename=\"a_; b____.png\"; filename*=UTF-8''a%22%3B%20b%0D%0A%2F%C3%BC.png"
        );
    }
}
