//! What lies in the bucket, asked as any S3 client would.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::{Error, Result, Store};

/// The keys of all objects.
pub(super) async fn list(store: &Store) -> Result<BTreeSet<String>> {
    let http = fetch::Client::new(fetch::Policy { allow_private: true, ..Default::default() })?;
    let mut keys = BTreeSet::new();
    let mut token = None;
    loop {
        let url = signed(store, token.as_deref(), OffsetDateTime::now_utc())?;
        let answer = http.send(fetch::Request::get(url).max_bytes(64 << 20)).await?.ok()?;
        let text = String::from_utf8(answer.body.to_vec())?;
        keys.extend(elements(&text, "Key").map(str::to_owned));
        token = elements(&text, "NextContinuationToken").next().map(str::to_owned);
        if token.is_none() {
            return Ok(keys);
        }
    }
}

/// The URL of a page of the listing, signed for a minute (AWS signature, version 4).
fn signed(store: &Store, token: Option<&str>, now: OffsetDateTime) -> Result<String> {
    let day = now.format(format_description!("[year][month][day]"))?;
    let time = now.format(format_description!("[year][month][day]T[hour][minute][second]Z"))?;
    let scope = format!("{day}/us-east-1/s3/aws4_request");
    let mut query = vec![
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("X-Amz-Credential", format!("{}/{scope}", store.access_key)),
        ("X-Amz-Date", time.clone()),
        ("X-Amz-Expires", "60".to_owned()),
        ("X-Amz-SignedHeaders", "host".to_owned()),
    ];
    query.extend(token.map(|it| ("continuation-token", it.to_owned())));
    query.push(("list-type", "2".to_owned()));
    let pairs: Vec<_> = query.iter().map(|(name, it)| format!("{name}={}", escape(it))).collect();
    let query = pairs.join("&");
    let host = store.endpoint.split_once("://").ok_or("no endpoint")?.1;
    let path = format!("/{}", store.bucket);
    let request = format!("GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
    let hash = hex::encode(Sha256::digest(request));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
    let mut key = format!("AWS4{}", store.secret_key).into_bytes();
    for part in [&*day, "us-east-1", "s3", "aws4_request", &text] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(Error::from)?;
        mac.update(part.as_bytes());
        key = mac.finalize().into_bytes().to_vec();
    }
    let signature = hex::encode(key);
    Ok(format!("{}{path}?{query}&X-Amz-Signature={signature}", store.endpoint))
}

fn escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// The texts of all elements of one name, none of which holds another.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let begin = rest.find(&open)? + open.len();
        let length = rest[begin..].find(&close)?;
        let text = &rest[begin..begin + length];
        rest = &rest[begin + length..];
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_in_order() {
        let xml = "<R><C><Key>a/b</Key><Size>1</Size></C><C><Key>c</Key></C></R>";
        assert_eq!(elements(xml, "Key").collect::<Vec<_>>(), ["a/b", "c"]);
        assert_eq!(elements(xml, "Other").next(), None);
    }

    #[tokio::test]
    async fn a_listing_is_complete() -> Result {
        let root = tempfile::tempdir()?;
        let store = bucket::start(bucket::Config {
            listen_addr: "127.0.0.1:0".parse()?,
            root: root.path().to_owned(),
            access_key: "key".to_owned(),
            secret_key: "secret".to_owned().into(),
            buckets: vec!["things".to_owned()],
        })
        .await?;
        let keys = Store {
            endpoint: store.endpoint(),
            bucket: "things",
            access_key: "key",
            secret_key: "secret",
        };
        assert!(list(&keys).await?.is_empty());
        let strange = Store { secret_key: "another", ..keys };
        assert!(list(&strange).await.is_err(), "any secret will do");
        Ok(())
    }
}
