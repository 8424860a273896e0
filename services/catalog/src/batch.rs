//! Rows that are asked for by id, all or none.

use types::id::{GuidelineId, ProductId, ShotTypeId, StyleId, SubjectId};
use uuid::Uuid;

use crate::error::{Error, Noun, Result};

/// An id of one of the catalog's nouns.
pub(crate) trait Key: Copy + Eq + Into<Uuid> {
    /// What it identifies.
    const NOUN: Noun;
}

impl Key for ProductId {
    const NOUN: Noun = Noun::Product;
}

impl Key for SubjectId {
    const NOUN: Noun = Noun::Subject;
}

impl Key for StyleId {
    const NOUN: Noun = Noun::Style;
}

impl Key for GuidelineId {
    const NOUN: Noun = Noun::Guideline;
}

impl Key for ShotTypeId {
    const NOUN: Noun = Noun::ShotType;
}

/// Returns `rows` in the order of `ids`. Fails naming all ids that have none.
pub(crate) fn in_order<K: Key, T: Clone>(
    ids: &[K],
    rows: &[T],
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>> {
    let mut found = Vec::with_capacity(ids.len());
    let mut missing = Vec::new();
    for id in ids {
        match rows.iter().find(|row| key(row) == *id) {
            Some(row) => found.push(row.clone()),
            None => missing.push((*id).into()),
        }
    }
    match missing.is_empty() {
        true => Ok(found),
        false => Err(Error::NotFound(K::NOUN, missing)),
    }
}

/// Returns the one of `rows`. Fails naming `id` if there is none.
pub(crate) fn one<K: Key, T>(id: K, rows: impl IntoIterator<Item = T>) -> Result<T> {
    rows.into_iter().next().ok_or_else(|| Error::NotFound(K::NOUN, vec![id.into()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_the_order_of_their_ids() -> Result<()> {
        let (a, b) = (StyleId::generate(), StyleId::generate());
        assert_eq!(in_order(&[b, a, b], &[(a, 1), (b, 2)], |it| it.0)?, [(b, 2), (a, 1), (b, 2)]);
        Ok(())
    }

    #[test]
    fn every_missing_id_is_named() {
        let (a, b, c) = (StyleId::generate(), StyleId::generate(), StyleId::generate());
        let error = in_order(&[a, b, c], &[(b, ())], |it| it.0).err();
        let Some(Error::NotFound(Noun::Style, ids)) = error else { panic!("{error:?}") };
        assert_eq!(ids, [a.uuid(), c.uuid()]);
    }
}
