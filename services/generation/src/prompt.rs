//! What a picture is asked to show.

/// Everything that a prompt is composed of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brief {
    /// What is to be changed. Empty unless a revision.
    pub(crate) note: String,
    pub(crate) product: String,
    pub(crate) colour: String,
    pub(crate) description: String,
    pub(crate) subject: String,
    pub(crate) framing: String,
    pub(crate) angle: String,
    pub(crate) pose: String,
    pub(crate) style: String,
    pub(crate) light: String,
    pub(crate) background: String,
    pub(crate) rules: Vec<String>,
}

impl Brief {
    /// Writes the parts of the prompt, the most important first: where a prompt gets too long, the
    /// last ones are left out.
    pub(crate) fn parts(&self) -> Vec<String> {
        let garment = words(&[&self.colour, &self.product]);
        let mut parts = Vec::new();
        if !self.note.trim().is_empty() {
            parts.push(sentence(&format!("Change the first picture: {}", self.note.trim())));
        }
        parts.push(sentence(&format!(
            "Fashion photograph of {} wearing the {garment} of the reference photo, exactly as it is",
            if self.subject.trim().is_empty() { "a model" } else { self.subject.trim() },
        )));
        let detail = words(&[&self.framing, &self.angle, &self.pose]);
        for text in [&detail, &self.style, &self.light, &self.background, &self.description] {
            if !text.trim().is_empty() {
                parts.push(sentence(text));
            }
        }
        parts.extend(self.rules.iter().map(|it| sentence(it)));
        parts
    }
}

fn words(parts: &[&str]) -> String {
    let parts = parts.iter().map(|it| it.trim()).filter(|it| !it.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_begins_with_what_matters_most() {
        let brief = Brief {
            note: "shorter sleeves".into(),
            product: "linen blazer".into(),
            colour: "sand".into(),
            subject: "Mara, red hair".into(),
            pose: "standing".into(),
            rules: vec!["No jewellery!".into()],
            ..Brief::default()
        };
        let parts = brief.parts();
        assert_eq!(parts[0], "Change the first picture: shorter sleeves.");
        assert!(parts[1].contains("Mara, red hair wearing the sand, linen blazer"), "{}", parts[1]);
        assert_eq!(parts[2..], ["standing.", "No jewellery!"]);
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        assert_eq!(Brief::default().parts().len(), 1);
    }
}
