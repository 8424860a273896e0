//! Products, as the wire knows them.

use api::sartiq::catalog::v1 as pb;
use api::sartiq::catalog::v1::product_warning::Kind;

use server::timestamp;

use crate::error::Result;
use crate::product::{Content, Garment, Photo, Product, Sku, Slot, State, Warning};
use crate::rpc::media::{self, Picture};

pub(super) fn content(input: pb::ProductInput) -> Result<Content> {
    let garment = match input.garment_kind() {
        pb::GarmentKind::Unspecified => Garment::Unknown,
        pb::GarmentKind::Upper => Garment::Upper,
        pb::GarmentKind::Lower => Garment::Lower,
        pb::GarmentKind::FullBody => Garment::FullBody,
        pb::GarmentKind::Outer => Garment::Outer,
        pb::GarmentKind::Accessory => Garment::Accessory,
    };
    let photos = input.photos.iter().enumerate().map(|(photo_idx, photo)| {
        let media_id = media::parse(&path(photo_idx), &photo.media_id)?;
        Ok(Photo { slot: slot(photo.slot()), media_id })
    });
    Ok(Content {
        name: input.name.trim().to_owned(),
        sku: Sku::parse(&input.sku),
        brand: input.brand.trim().to_owned(),
        colour: input.colour.trim().to_owned(),
        garment,
        description: input.description.trim().to_owned(),
        photos: photos.collect::<Result<_>>()?,
    })
}

/// Returns the pictures that `content` names, each with its place in the request.
pub(super) fn pictures(content: &Content) -> Vec<Picture> {
    let photos = content.photos.iter().enumerate();
    photos.map(|(photo_idx, photo)| Picture { path: path(photo_idx), id: photo.media_id }).collect()
}

fn path(photo_idx: usize) -> String {
    format!("product.photos[{photo_idx}].media_id")
}

fn slot(slot: pb::product_photo::Slot) -> Slot {
    use pb::product_photo::Slot as Wire;
    match slot {
        Wire::Front => Slot::Front,
        Wire::Back => Slot::Back,
        Wire::Side => Slot::Side,
        // The contract refuses an unspecified one before it comes here.
        Wire::Detail | Wire::Unspecified => Slot::Detail,
        Wire::Worn => Slot::Worn,
    }
}

impl From<Product> for pb::Product {
    fn from(product: Product) -> Self {
        let content = product.content;
        let state = match product.state {
            State::Active => pb::product::State::Active,
            State::Archived => pb::product::State::Archived,
        };
        let garment_kind = match content.garment {
            Garment::Unknown => pb::GarmentKind::Unspecified,
            Garment::Upper => pb::GarmentKind::Upper,
            Garment::Lower => pb::GarmentKind::Lower,
            Garment::FullBody => pb::GarmentKind::FullBody,
            Garment::Outer => pb::GarmentKind::Outer,
            Garment::Accessory => pb::GarmentKind::Accessory,
        };
        Self {
            id: product.id.into(),
            etag: product.version.etag(),
            state: state.into(),
            name: content.name,
            sku: content.sku.as_str().to_owned(),
            brand: content.brand,
            colour: content.colour,
            garment_kind: garment_kind.into(),
            description: content.description,
            photos: content.photos.into_iter().map(Into::into).collect(),
            create_time: Some(timestamp(product.created_at)),
            update_time: Some(timestamp(product.updated_at)),
        }
    }
}

impl From<Photo> for pb::ProductPhoto {
    fn from(photo: Photo) -> Self {
        use pb::product_photo::Slot as Wire;
        let slot = match photo.slot {
            Slot::Front => Wire::Front,
            Slot::Back => Wire::Back,
            Slot::Side => Wire::Side,
            Slot::Detail => Wire::Detail,
            Slot::Worn => Wire::Worn,
        };
        Self { slot: slot.into(), media_id: photo.media_id.into() }
    }
}

impl From<Warning> for pb::ProductWarning {
    fn from(warning: Warning) -> Self {
        let (kind, product_id, message) = match warning {
            Warning::SameName(id) => {
                (Kind::SameName, id.to_string(), "another product has the same name")
            }
            Warning::SamePhoto(id) => {
                (Kind::SamePhoto, id.to_string(), "another product has the same front photo")
            }
            Warning::NoFrontPhoto => (
                Kind::NoFrontPhoto,
                String::new(),
                "the product has no front photo yet, so it cannot be shot",
            ),
        };
        Self { kind: kind.into(), product_id, message: message.to_owned() }
    }
}
