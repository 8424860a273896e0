//! Products, as the catalog thinks of them.

use time::OffsetDateTime;
use types::id::{MediaId, ProductId};
use types::{Findings, Mask, Version};

use crate::error::{Error, Result};

/// One sellable item that is to be photographed.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) id: ProductId,
    pub(crate) version: Version,
    pub(crate) state: State,
    pub(crate) content: Content,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// What callers write of a product.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Content {
    pub(crate) name: String,
    pub(crate) sku: Sku,
    pub(crate) brand: String,
    pub(crate) colour: String,
    pub(crate) garment: Garment,
    pub(crate) description: String,
    pub(crate) photos: Vec<Photo>,
}

impl Content {
    /// The fields, as update masks name them.
    pub(crate) const FIELDS: &[&str] =
        &["name", "sku", "brand", "colour", "garment_kind", "description", "photos"];

    /// Fails unless a product may have this content.
    pub(crate) fn check(&self) -> Result<()> {
        let mut findings = Findings::default();
        findings.require("product.name", &self.name);
        if self.sku.normal.is_empty() && !self.sku.given.is_empty() {
            findings.add("product.sku", "must contain a letter or a digit");
        }
        for (photo_idx, photo) in self.photos.iter().enumerate() {
            let before = &self.photos[..photo_idx];
            if photo.slot != Slot::Detail && before.iter().any(|it| it.slot == photo.slot) {
                findings.add(
                    format!("product.photos[{photo_idx}].slot"),
                    format!("the slot {} is used twice", photo.slot.as_str()),
                );
            }
        }
        Ok(findings.end()?)
    }

    /// Writes what `mask` names of `new`, and tells whether that changed anything.
    pub(crate) fn apply(&mut self, new: Self, mask: &Mask) -> bool {
        [
            mask.write("name", &mut self.name, new.name),
            mask.write("sku", &mut self.sku, new.sku),
            mask.write("brand", &mut self.brand, new.brand),
            mask.write("colour", &mut self.colour, new.colour),
            mask.write("garment_kind", &mut self.garment, new.garment),
            mask.write("description", &mut self.description, new.description),
            mask.write("photos", &mut self.photos, new.photos),
        ]
        .contains(&true)
    }

    /// Returns the picture that shows the product from the front.
    pub(crate) fn front(&self) -> Option<MediaId> {
        self.photos.iter().find(|it| it.slot == Slot::Front).map(|it| it.media_id)
    }
}

/// A stock keeping unit. Empty if unknown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Sku {
    given: String,
    normal: String,
}

impl Sku {
    /// Reads `text` as people type it.
    pub(crate) fn parse(text: &str) -> Self {
        let given = text.trim().to_owned();
        let normal = given
            .chars()
            .filter(|it| !it.is_whitespace() && !matches!(it, '.' | '-' | '_'))
            .flat_map(char::to_uppercase)
            .collect();
        Self { given, normal }
    }

    /// Returns it as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.given
    }

    /// Returns it as it is compared: upper case, without spaces, dots, dashes and underscores.
    pub(crate) fn normal(&self) -> &str {
        &self.normal
    }
}

/// A picture in one of a product's slots.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Photo {
    pub(crate) slot: Slot,
    pub(crate) media_id: MediaId,
}

/// What a photo shows of a product.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Slot {
    Front,
    Back,
    Side,
    Detail,
    Worn,
}

impl Slot {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Back => "back",
            Self::Side => "side",
            Self::Detail => "detail",
            Self::Worn => "worn",
        }
    }

    /// Trusts `text` to have been stored by us.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "front" => Self::Front,
            "back" => Self::Back,
            "side" => Self::Side,
            "worn" => Self::Worn,
            _ => Self::Detail,
        }
    }
}

/// What part of a person a product dresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Garment {
    Unknown,
    Upper,
    Lower,
    FullBody,
    Outer,
    Accessory,
}

impl Garment {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Upper => "upper",
            Self::Lower => "lower",
            Self::FullBody => "full_body",
            Self::Outer => "outer",
            Self::Accessory => "accessory",
        }
    }

    /// Trusts `text` to have been stored by us.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "upper" => Self::Upper,
            "lower" => Self::Lower,
            "full_body" => Self::FullBody,
            "outer" => Self::Outer,
            "accessory" => Self::Accessory,
            _ => Self::Unknown,
        }
    }
}

/// Where a product is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It can be shot.
    Active,
    /// It is kept, and hidden from lists that do not ask for it.
    Archived,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    /// Trusts `text` to have been stored by us.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "archived" => Self::Archived,
            _ => Self::Active,
        }
    }

    /// Returns `next` if this state may become it.
    pub(crate) fn become_state(self, next: Self) -> Result<Self> {
        match (self, next) {
            // Archived by an editor.
            (Self::Active, Self::Archived) => Ok(next),
            // Brought back by an editor.
            (Self::Archived, Self::Active) => Ok(next),
            (Self::Active, Self::Active) => {
                Err(Error::StateConflict { state: "active", allowed: "archived" })
            }
            (Self::Archived, Self::Archived) => {
                Err(Error::StateConflict { state: "archived", allowed: "active" })
            }
        }
    }
}

/// Which products a list shows.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Filter {
    /// What the name or the SKU contains. Empty for all.
    pub(crate) search: String,
    /// Whether archived products are shown too.
    pub(crate) show_archived: bool,
}

/// Something that the caller may want to look at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Warning {
    SameName(ProductId),
    SamePhoto(ProductId),
    NoFrontPhoto,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            name: "Tote".into(),
            sku: Sku::parse(""),
            brand: String::new(),
            colour: String::new(),
            garment: Garment::Accessory,
            description: String::new(),
            photos: Vec::new(),
        }
    }

    #[test]
    fn skus_are_compared_without_their_punctuation() {
        for text in ["to-01.a", " TO 01_A ", "T-O-0-1-a"] {
            assert_eq!(Sku::parse(text).normal(), "TO01A");
        }
        assert_eq!(Sku::parse(" to-01.a ").as_str(), "to-01.a");
    }

    #[test]
    fn each_slot_but_the_detail_is_used_once() {
        let photo = |slot| Photo { slot, media_id: MediaId::generate() };
        let photos = vec![photo(Slot::Front), photo(Slot::Detail), photo(Slot::Detail)];
        assert!(Content { photos, ..content() }.check().is_ok());
        let photos = vec![photo(Slot::Front), photo(Slot::Back), photo(Slot::Front)];
        let Err(Error::Fields(findings)) = (Content { photos, ..content() }).check() else {
            panic!("accepted")
        };
        assert_eq!(findings.fields()[0].0, "product.photos[2].slot");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let wrong = Content { name: String::new(), sku: Sku::parse("--"), ..content() };
        let Err(Error::Fields(findings)) = wrong.check() else { panic!("accepted") };
        let paths: Vec<_> = findings.fields().iter().map(|it| it.0.as_str()).collect();
        assert_eq!(paths, ["product.name", "product.sku"]);
    }

    #[test]
    fn only_what_is_active_is_archived() {
        assert!(State::Active.become_state(State::Archived).is_ok());
        assert!(State::Archived.become_state(State::Active).is_ok());
        assert!(State::Archived.become_state(State::Archived).is_err());
        assert!(State::Active.become_state(State::Active).is_err());
    }

    #[test]
    fn words_survive_the_store() {
        for it in [Slot::Front, Slot::Back, Slot::Side, Slot::Detail, Slot::Worn] {
            assert_eq!(Slot::stored(it.as_str()), it);
        }
        use Garment::*;
        for it in [Unknown, Upper, Lower, FullBody, Outer, Accessory] {
            assert_eq!(Garment::stored(it.as_str()), it);
        }
        for it in [State::Active, State::Archived] {
            assert_eq!(State::stored(it.as_str()), it);
        }
    }
}
