//! Styles: how pictures look.

use time::OffsetDateTime;
use types::id::StyleId;
use types::{Findings, Mask, Version};

use crate::error::Result;

/// How pictures look: light, background, camera.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) id: StyleId,
    pub(crate) version: Version,
    pub(crate) content: Content,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// What callers write of a style.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) prompt: String,
    pub(crate) negative_prompt: String,
    pub(crate) background: String,
    pub(crate) light: String,
}

impl Content {
    /// The fields, as update masks name them.
    pub(crate) const FIELDS: &[&str] =
        &["name", "prompt", "negative_prompt", "background", "light"];

    /// Fails unless a style may have this content.
    pub(crate) fn check(&self) -> Result<()> {
        let mut findings = Findings::default();
        findings.require("style.name", &self.name);
        Ok(findings.end()?)
    }

    /// Writes what `mask` names of `new`, and tells whether that changed anything.
    pub(crate) fn apply(&mut self, new: Self, mask: &Mask) -> bool {
        [
            mask.write("name", &mut self.name, new.name),
            mask.write("prompt", &mut self.prompt, new.prompt),
            mask.write("negative_prompt", &mut self.negative_prompt, new.negative_prompt),
            mask.write("background", &mut self.background, new.background),
            mask.write("light", &mut self.light, new.light),
        ]
        .contains(&true)
    }
}
