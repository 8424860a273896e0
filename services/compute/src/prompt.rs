//! Prompts: parts put together.

/// How long a prompt is at most where nobody says otherwise.
pub(crate) const DEFAULT_LENGTH: usize = 4000;

/// Joins `parts`, trimmed and without repetitions, by a space.
///
/// Where that gets longer than `max_length` characters, parts are left out from the last on; the
/// first always stays, cut if it must be.
pub(crate) fn compose(parts: &[String], max_length: usize) -> String {
    let max_length = if max_length == 0 { DEFAULT_LENGTH } else { max_length };
    let mut kept: Vec<&str> = Vec::new();
    for part in parts.iter().map(|it| it.trim()).filter(|it| !it.is_empty()) {
        if !kept.contains(&part) {
            kept.push(part);
        }
    }
    let length = |parts: &[&str]| {
        parts.iter().map(|it| it.chars().count() + 1).sum::<usize>().saturating_sub(1)
    };
    while 1 < kept.len() && max_length < length(&kept) {
        kept.pop();
    }
    kept.join(" ").chars().take(max_length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(parts: &[&str], max_length: usize) -> String {
        let parts: Vec<String> = parts.iter().map(|it| (*it).to_owned()).collect();
        compose(&parts, max_length)
    }

    #[test]
    fn parts_are_trimmed_and_said_once() {
        assert_eq!(composed(&[" a tote ", "on sand", "", "a tote"], 0), "a tote on sand");
    }

    #[test]
    fn the_last_parts_give_way_and_the_first_stays() {
        assert_eq!(composed(&["äö", "bc", "d"], 5), "äö bc");
        assert_eq!(composed(&["äö", "bc", "d"], 4), "äö");
        assert_eq!(composed(&["äöü", "bc"], 2), "äö");
        assert_eq!(composed(&[" "], 2), "");
    }
}
