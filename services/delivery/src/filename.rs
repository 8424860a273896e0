//! The names of delivered files: telling, safe anywhere, each once within an export.

use std::collections::HashSet;

/// How many characters of a name are taken from the look.
const LONGEST: usize = 80;

/// The names that are taken.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<String>);

impl Names {
    /// Names a picture: after its look and its place there, which stays the same from one export to the next.
    pub(crate) fn take(&mut self, look: &str, number: usize, extension: &str) -> String {
        let stem = format!("{}_{number:02}", safe(look).unwrap_or_else(|| "look".to_owned()));
        let mut name = format!("{stem}.{extension}");
        let mut n_equal = 1;
        // As file systems compare that know no case.
        while !self.0.insert(name.to_lowercase()) {
            n_equal += 1;
            name = format!("{stem}_{n_equal}.{extension}");
        }
        name
    }
}

/// Leaves of `text` what may stand in the name of a file. None if that is nothing.
pub(crate) fn safe(text: &str) -> Option<String> {
    let mut name = String::new();
    for letter in text.chars() {
        match letter {
            it if it.is_alphanumeric() => name.push(it),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name: String = name.chars().take(LONGEST).collect();
    let name = name.trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_unique() {
        let mut names = Names::default();
        assert_eq!(names.take("Linen shirt, white", 1, "jpg"), "Linen-shirt-white_01.jpg");
        assert_eq!(names.take("linen SHIRT white", 1, "jpg"), "linen-SHIRT-white_01_2.jpg");
        assert_eq!(names.take("../../etc\\passwd\0", 2, "png"), "etc-passwd_02.png");
        assert_eq!(names.take("Café", 12, "png"), "Café_12.png");
        assert_eq!(names.take("…", 1, "png"), "look_01.png");
        assert_eq!(names.take(&"a".repeat(300), 1, "png").len(), LONGEST + "_01.png".len());
    }
}
