//! Where a reader of events stands.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The position of the last event that was read, of each source.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Cursor(BTreeMap<String, i64>);

impl Cursor {
    pub(crate) fn new(positions: BTreeMap<String, i64>) -> Self {
        Self(positions)
    }

    pub(crate) fn positions(&self) -> &BTreeMap<String, i64> {
        &self.0
    }

    /// How far `source` was read.
    pub(crate) fn at(&self, source: &str) -> i64 {
        self.0.get(source).copied().unwrap_or_default()
    }

    /// Notes that the event at `position` of `source` was read. Answers false if it had been before.
    pub(crate) fn advance(&mut self, source: &str, position: i64) -> bool {
        match self.0.get_mut(source) {
            Some(at) if position <= *at => false,
            Some(at) => {
                *at = position;
                true
            }
            None => {
                self.0.insert(source.to_owned(), position);
                true
            }
        }
    }

    pub(crate) fn encode(&self) -> String {
        let text: Vec<String> = self.0.iter().map(|(name, at)| format!("{name}={at}")).collect();
        URL_SAFE_NO_PAD.encode(text.join(";"))
    }

    /// Reads what [`Cursor::encode`] wrote. None if it did not.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.split(';')
            .map(|it| {
                let (source, at) = it.split_once('=')?;
                let is_known = crate::hub::SOURCES.contains(&source);
                let at: i64 = at.parse().ok()?;
                (is_known && 0 <= at).then(|| (source.to_owned(), at))
            })
            .collect::<Option<BTreeMap<_, _>>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_way_to_the_client_and_back() {
        let mut cursor = Cursor::default();
        assert!(cursor.advance("catalog", 7));
        assert!(cursor.advance("compute", 1));
        assert!(!cursor.advance("catalog", 7));
        assert!(!cursor.advance("catalog", 6));
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    }

    #[test]
    fn what_was_not_given_out_is_no_cursor() {
        for text in
            ["x", "%%", &URL_SAFE_NO_PAD.encode("catalog=-1"), &URL_SAFE_NO_PAD.encode("x=1")]
        {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }
}
