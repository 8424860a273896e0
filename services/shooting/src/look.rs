//! Looks: a product on a subject in a style.

use time::OffsetDateTime;
use types::id::{GuidelineId, LookId, ProductId, ShootingId, ShotTypeId, StyleId, SubjectId};
use types::{Mask, Version};
use uuid::Uuid;

/// A product on a subject in a style, with a shot for each of its shot types.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) id: LookId,
    pub(crate) version: Version,
    pub(crate) shooting_id: ShootingId,
    pub(crate) content: Content,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// What callers write of a look.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) product_id: ProductId,
    pub(crate) subject_id: SubjectId,
    pub(crate) style_id: StyleId,
    pub(crate) guideline_ids: Vec<GuidelineId>,
    pub(crate) shot_type_ids: Vec<ShotTypeId>,
}

impl Content {
    /// The fields, as update masks name them.
    pub(crate) const FIELDS: &[&str] =
        &["name", "product_id", "subject_id", "style_id", "guideline_ids", "shot_type_ids"];

    /// Returns what the fields that `mask` names refer to, each with its path behind `prefix`.
    pub(crate) fn references(&self, prefix: &str, mask: &Mask) -> Vec<Reference> {
        let mut references = Vec::new();
        let mut add = |field: &str, to: To, id: Uuid| {
            references.push(Reference { path: format!("{prefix}.{field}"), to, id });
        };
        // A look without a name takes that of its product.
        let takes_name = mask.names("name") && self.name.is_empty();
        if mask.names("product_id") || takes_name {
            add("product_id", To::Product, self.product_id.uuid());
        }
        if mask.names("subject_id") {
            add("subject_id", To::Subject, self.subject_id.uuid());
        }
        if mask.names("style_id") {
            add("style_id", To::Style, self.style_id.uuid());
        }
        if mask.names("guideline_ids") {
            for (idx, id) in self.guideline_ids.iter().enumerate() {
                add(&format!("guideline_ids[{idx}]"), To::Guideline, id.uuid());
            }
        }
        if mask.names("shot_type_ids") {
            for (idx, id) in self.shot_type_ids.iter().enumerate() {
                add(&format!("shot_type_ids[{idx}]"), To::ShotType, id.uuid());
            }
        }
        references
    }

    /// Writes what `mask` names of `new`, and tells whether that changed anything.
    pub(crate) fn apply(&mut self, new: Self, mask: &Mask) -> bool {
        [
            mask.write("name", &mut self.name, new.name),
            mask.write("product_id", &mut self.product_id, new.product_id),
            mask.write("subject_id", &mut self.subject_id, new.subject_id),
            mask.write("style_id", &mut self.style_id, new.style_id),
            mask.write("guideline_ids", &mut self.guideline_ids, new.guideline_ids),
            mask.write("shot_type_ids", &mut self.shot_type_ids, new.shot_type_ids),
        ]
        .contains(&true)
    }
}

/// A thing of the catalog that a request names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reference {
    /// Where the request names it.
    pub(crate) path: String,
    pub(crate) to: To,
    pub(crate) id: Uuid,
}

/// What a reference is to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum To {
    Product,
    Subject,
    Style,
    Guideline,
    ShotType,
}

impl To {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Subject => "subject",
            Self::Style => "style",
            Self::Guideline => "guideline",
            Self::ShotType => "shot type",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;

    #[test]
    fn references_know_their_fields() -> Result<()> {
        let content = Content {
            name: String::new(),
            product_id: ProductId::generate(),
            subject_id: SubjectId::generate(),
            style_id: StyleId::generate(),
            guideline_ids: vec![GuidelineId::generate()],
            shot_type_ids: vec![ShotTypeId::generate(), ShotTypeId::generate()],
        };
        let all = content.references("looks[2]", &Mask::parse(&["*".into()], Content::FIELDS)?);
        let paths: Vec<_> = all.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "looks[2].product_id",
                "looks[2].subject_id",
                "looks[2].style_id",
                "looks[2].guideline_ids[0]",
                "looks[2].shot_type_ids[0]",
                "looks[2].shot_type_ids[1]",
            ]
        );
        let some = content.references("look", &Mask::parse(&["style_id".into()], Content::FIELDS)?);
        assert_eq!(some.len(), 1);
        assert_eq!((some[0].to, some[0].id), (To::Style, content.style_id.uuid()));
        Ok(())
    }
}
