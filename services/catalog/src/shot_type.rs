//! Shot types: what a shot shows.

use time::OffsetDateTime;
use types::id::ShotTypeId;
use types::{Findings, Mask, Version};

use crate::error::{Error, Result};

/// The sides that a picture may have, in pixels.
const SIDES: std::ops::RangeInclusive<i32> = 256..=2048;

/// What a shot shows: framing, angle, pose, size.
#[derive(Clone, Debug)]
pub(crate) struct ShotType {
    pub(crate) id: ShotTypeId,
    pub(crate) version: Version,
    pub(crate) origin: Origin,
    pub(crate) content: Content,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl ShotType {
    /// Fails unless callers may change it.
    pub(crate) fn check_changeable(&self) -> Result<()> {
        match self.origin {
            Origin::Organization => Ok(()),
            Origin::System => Err(Error::SystemShotType),
        }
    }
}

/// Whose a shot type is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// It is of the system set, which everybody reads and nobody changes.
    System,
    /// It is an organization's own.
    Organization,
}

/// What callers write of a shot type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) framing: String,
    pub(crate) angle: String,
    pub(crate) pose: String,
    pub(crate) width_px: i32,
    pub(crate) height_px: i32,
    pub(crate) default_variants: i32,
}

impl Content {
    /// The fields, as update masks name them.
    pub(crate) const FIELDS: &[&str] =
        &["code", "name", "framing", "angle", "pose", "width_px", "height_px", "default_variants"];

    /// Fills in what callers may leave out: a standing person, four times.
    pub(crate) fn complete(mut self) -> Self {
        for (number, default) in [
            (&mut self.width_px, 1024),
            (&mut self.height_px, 1536),
            (&mut self.default_variants, 4),
        ] {
            if *number == 0 {
                *number = default;
            }
        }
        self
    }

    /// Fails unless a shot type may have this content.
    pub(crate) fn check(&self) -> Result<()> {
        let mut findings = Findings::default();
        findings.require("shot_type.code", &self.code);
        findings.require("shot_type.name", &self.name);
        for (path, side) in
            [("shot_type.width_px", self.width_px), ("shot_type.height_px", self.height_px)]
        {
            if !SIDES.contains(&side) {
                findings.add(path, "must be from 256 to 2048");
            }
        }
        Ok(findings.end()?)
    }

    /// Writes what `mask` names of `new`, and tells whether that changed anything.
    pub(crate) fn apply(&mut self, new: Self, mask: &Mask) -> bool {
        [
            mask.write("code", &mut self.code, new.code),
            mask.write("name", &mut self.name, new.name),
            mask.write("framing", &mut self.framing, new.framing),
            mask.write("angle", &mut self.angle, new.angle),
            mask.write("pose", &mut self.pose, new.pose),
            mask.write("width_px", &mut self.width_px, new.width_px),
            mask.write("height_px", &mut self.height_px, new.height_px),
            mask.write("default_variants", &mut self.default_variants, new.default_variants),
        ]
        .contains(&true)
    }
}
