//! Subjects: the virtual models that wear the products.

use time::OffsetDateTime;
use types::id::{MediaId, SubjectId};
use types::{Findings, Mask, Version};

use crate::error::Result;

/// A virtual model.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) id: SubjectId,
    pub(crate) version: Version,
    pub(crate) content: Content,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// What callers write of a subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) handle: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) portrait: Option<MediaId>,
}

impl Content {
    /// The fields, as update masks name them.
    pub(crate) const FIELDS: &[&str] = &["handle", "name", "description", "portrait_media_id"];

    /// Fails unless a subject may have this content.
    pub(crate) fn check(&self) -> Result<()> {
        let mut findings = Findings::default();
        findings.require("subject.handle", &self.handle);
        findings.require("subject.name", &self.name);
        Ok(findings.end()?)
    }

    /// Writes what `mask` names of `new`, and tells whether that changed anything.
    pub(crate) fn apply(&mut self, new: Self, mask: &Mask) -> bool {
        [
            mask.write("handle", &mut self.handle, new.handle),
            mask.write("name", &mut self.name, new.name),
            mask.write("description", &mut self.description, new.description),
            mask.write("portrait_media_id", &mut self.portrait, new.portrait),
        ]
        .contains(&true)
    }
}
