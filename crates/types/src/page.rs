//! Keyset pages: where a list goes on, said by an opaque token.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How many items a page holds where the caller does not say.
pub const DEFAULT_PAGE_SIZE: usize = 50;

/// How many items a page holds at most, whatever the caller says.
pub const MAX_PAGE_SIZE: usize = 200;

const LONGEST_TOKEN: usize = 1024;

/// Why a page token is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PageTokenError {
    /// Nobody here made it, or it lost something on its way.
    #[error("the page token is malformed")]
    Malformed,
    /// It continues a list that was asked for differently.
    #[error("the page token belongs to a list with other arguments")]
    OtherArguments,
}

/// A place in a list, opaque to callers.
///
/// It holds the key of the last item seen and a fingerprint of the arguments of the list, so
/// that a caller who changes the filter half-way is refused instead of shown a torn list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PageToken {
    arguments: u64,
    key: Vec<String>,
}

impl PageToken {
    /// Names the place after the item with `key`, in the list that `arguments` ask for.
    ///
    /// The key has one part per column that the list is sorted by.
    pub fn after(arguments: impl Hash, key: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        let key = key.into_iter().map(|part| part.to_string()).collect();
        Self { arguments: fingerprint(arguments), key }
    }

    /// Reads a token that a caller returned together with `arguments`.
    pub fn parse(text: &str, arguments: impl Hash) -> Result<Self, PageTokenError> {
        Self::read(text, fingerprint(arguments))
    }

    fn read(text: &str, arguments: u64) -> Result<Self, PageTokenError> {
        if LONGEST_TOKEN < text.len() {
            return Err(PageTokenError::Malformed);
        }
        let token = Self::decode(text).ok_or(PageTokenError::Malformed)?;
        if token.arguments != arguments {
            return Err(PageTokenError::OtherArguments);
        }
        Ok(token)
    }

    /// Returns a part of the key as what it was before it became text.
    pub fn part<T: FromStr>(&self, index: usize) -> Result<T, PageTokenError> {
        let part = self.key.get(index).ok_or(PageTokenError::Malformed)?;
        part.parse().map_err(|_| PageTokenError::Malformed)
    }

    // Arguments and checksum, eight bytes each, then every part behind its length.
    fn encode(&self) -> String {
        let mut body = self.arguments.to_be_bytes().to_vec();
        for part in &self.key {
            let len = u16::try_from(part.len()).expect("keys are short");
            body.extend_from_slice(&len.to_be_bytes());
            body.extend_from_slice(part.as_bytes());
        }
        let mut bytes = checksum(&body).to_be_bytes().to_vec();
        bytes.append(&mut body);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (sum, body) = bytes.split_first_chunk::<8>()?;
        if u64::from_be_bytes(*sum) != checksum(body) {
            return None;
        }
        let (arguments, mut rest) = body.split_first_chunk::<8>()?;
        let mut key = Vec::new();
        while !rest.is_empty() {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (part, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
            key.push(String::from_utf8(part.to_vec()).ok()?);
            rest = tail;
        }
        Some(Self { arguments: u64::from_be_bytes(*arguments), key })
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encode())
    }
}

/// One page of a list, as a caller asked for it.
///
/// ```
/// use types::Page;
///
/// let page = Page::parse(2, "", ("shooting", 7))?;
/// assert_eq!(page.limit(), 3);
/// let (items, token) = page.cut(vec![10, 20, 30], |item| vec![*item]);
/// assert_eq!(items, [10, 20]);
///
/// let next = Page::parse(2, &token, ("shooting", 7))?;
/// assert_eq!(next.after::<i32>()?, Some(20));
/// # Ok::<(), types::PageTokenError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Page {
    size: usize,
    arguments: u64,
    after: Option<PageToken>,
}

impl Page {
    /// Reads `page_size` and `page_token` of a request whose other fields are `arguments`.
    ///
    /// Arguments must name all that changes the list, the organization included.
    pub fn parse(size: i32, token: &str, arguments: impl Hash) -> Result<Self, PageTokenError> {
        let size = match usize::try_from(size) {
            Ok(0) | Err(_) => DEFAULT_PAGE_SIZE,
            Ok(size) => size.min(MAX_PAGE_SIZE),
        };
        let arguments = fingerprint(arguments);
        let after = match token {
            "" => None,
            text => Some(PageToken::read(text, arguments)?),
        };
        Ok(Self { size, arguments, after })
    }

    /// Returns how many rows to read: one more than the page holds, to learn whether more follow.
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size).expect("pages are small") + 1
    }

    /// Returns the key of the last item of the page before, for lists sorted by one column.
    pub fn after<T: FromStr>(&self) -> Result<Option<T>, PageTokenError> {
        self.part(0)
    }

    /// Returns one part of the key of the last item of the page before.
    pub fn part<T: FromStr>(&self, index: usize) -> Result<Option<T>, PageTokenError> {
        self.after.as_ref().map(|token| token.part(index)).transpose()
    }

    /// Cuts `rows` to the page and returns the token of the next one, empty after the last.
    pub fn cut<T, P: fmt::Display>(
        &self,
        mut rows: Vec<T>,
        key: impl FnOnce(&T) -> Vec<P>,
    ) -> (Vec<T>, String) {
        if rows.len() <= self.size {
            return (rows, String::new());
        }
        rows.truncate(self.size);
        let key = rows.last().map(key).unwrap_or_default();
        let key = key.iter().map(ToString::to_string).collect();
        let token = PageToken { arguments: self.arguments, key }.to_string();
        (rows, token)
    }
}

fn fingerprint(arguments: impl Hash) -> u64 {
    let mut hasher = Fnv::default();
    arguments.hash(&mut hasher);
    hasher.finish()
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = Fnv::default();
    hasher.write(bytes);
    // Tells a checksum from a fingerprint of the same bytes.
    hasher.write(b"page");
    hasher.finish()
}

/// FNV-1a: the same on every machine and in every build, which the standard hasher is not.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
