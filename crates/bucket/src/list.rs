//! One page of a listing.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use crate::object::Object;

/// What to list.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    pub(crate) delimiter: Option<String>,
    /// The last key or common prefix of the page before.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

/// What was found, in order.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Arc<Object>>,
    pub(crate) prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// Walks from key to key, stepping over everything below a common prefix at once.
pub(crate) fn page(objects: &BTreeMap<String, Arc<Object>>, query: &Query) -> Page {
    let mut page = Page::default();
    let mut last = None;
    let mut from = match &query.after {
        Some(after) if *after >= query.prefix => beyond(after, query),
        _ => Bound::Included(query.prefix.clone()),
    };
    while let Some((key, object)) = objects.range((from, Bound::Unbounded)).next() {
        let Some(rest) = key.strip_prefix(&query.prefix) else { break };
        if page.objects.len() + page.prefixes.len() == query.limit {
            page.next = last;
            break;
        }
        let folder = query.delimiter.as_ref().and_then(|delimiter| {
            let end = rest.find(delimiter.as_str())? + delimiter.len();
            Some(format!("{}{}", query.prefix, &rest[..end]))
        });
        let passed = match folder {
            Some(folder) => {
                page.prefixes.push(folder.clone());
                folder
            }
            None => {
                page.objects.push(Arc::clone(object));
                key.clone()
            }
        };
        from = beyond(&passed, query);
        last = Some(passed);
    }
    page
}

/// The first key that is neither `passed` nor, if that is a common prefix, below it.
fn beyond(passed: &str, query: &Query) -> Bound<String> {
    // A common prefix is longer than what was asked for; a key `dir/` under prefix `dir/` is none.
    let is_folder = passed.len() > query.prefix.len()
        && query.delimiter.as_ref().is_some_and(|it| passed.ends_with(it.as_str()));
    if is_folder {
        Bound::Excluded(format!("{passed}{}", char::MAX))
    } else {
        Bound::Excluded(passed.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn objects(keys: &[&str]) -> BTreeMap<String, Arc<Object>> {
        keys.iter()
            .map(|key| {
                let object = Object {
                    key: (*key).to_owned(),
                    blob: String::new(),
                    size_bytes: 0,
                    etag: String::new(),
                    modified: OffsetDateTime::UNIX_EPOCH,
                    attributes: Default::default(),
                    sums: Default::default(),
                };
                ((*key).to_owned(), Arc::new(object))
            })
            .collect()
    }

    /// Everything, page by page, prefixes marked by their closing slash.
    fn walk(keys: &[&str], prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<String> {
        let objects = objects(keys);
        let mut query = Query {
            prefix: prefix.to_owned(),
            delimiter: delimiter.map(str::to_owned),
            after: None,
            limit,
        };
        let mut seen = Vec::new();
        loop {
            let page = page(&objects, &query);
            assert!(page.objects.len() + page.prefixes.len() <= limit);
            seen.extend(page.objects.iter().map(|it| it.key.clone()));
            seen.extend(page.prefixes);
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        seen.sort();
        seen
    }

    #[test]
    fn pages_of_any_size_show_the_same() {
        let keys = ["a", "a/b/1", "a/b/2", "a/c", "a0", "b/1", "b/2/3", "ü/1"];
        for limit in 1..=9 {
            assert_eq!(walk(&keys, "", None, limit), keys, "limit {limit}");
            assert_eq!(walk(&keys, "", Some("/"), limit), ["a", "a/", "a0", "b/", "ü/"]);
            assert_eq!(walk(&keys, "a/", Some("/"), limit), ["a/b/", "a/c"]);
            assert_eq!(walk(&keys, "a/b", None, limit), ["a/b/1", "a/b/2"]);
        }
        assert!(walk(&keys, "c", None, 5).is_empty());
        assert_eq!(walk(&["d/", "d/1"], "d/", Some("/"), 1), ["d/", "d/1"]);
    }

    #[test]
    fn a_full_last_page_has_no_next() {
        let page = page(&objects(&["a", "b"]), &Query { limit: 2, ..Query::default() });
        assert_eq!(page.objects.len(), 2);
        assert!(page.next.is_none());
    }
}
