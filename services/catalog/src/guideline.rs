//! Guidelines: the rules of the brand that every picture keeps.

use time::OffsetDateTime;
use types::id::GuidelineId;
use types::{Findings, Mask, Version};

use crate::error::Result;

/// A list of rules of the brand.
#[derive(Clone, Debug)]
pub(crate) struct Guideline {
    pub(crate) id: GuidelineId,
    pub(crate) version: Version,
    pub(crate) content: Content,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// What callers write of a guideline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) rules: Vec<String>,
}

impl Content {
    /// The fields, as update masks name them.
    pub(crate) const FIELDS: &[&str] = &["name", "rules"];

    /// Fails unless a guideline may have this content.
    pub(crate) fn check(&self) -> Result<()> {
        let mut findings = Findings::default();
        findings.require("guideline.name", &self.name);
        for (rule_idx, rule) in self.rules.iter().enumerate() {
            findings.require(&format!("guideline.rules[{rule_idx}]"), rule);
        }
        Ok(findings.end()?)
    }

    /// Writes what `mask` names of `new`, and tells whether that changed anything.
    pub(crate) fn apply(&mut self, new: Self, mask: &Mask) -> bool {
        [
            mask.write("name", &mut self.name, new.name),
            mask.write("rules", &mut self.rules, new.rules),
        ]
        .contains(&true)
    }
}
