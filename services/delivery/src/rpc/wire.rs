//! Between the nouns and the contract.

use api::sartiq::delivery::v1 as pb;
use api::sartiq::delivery::v1::file_format::Type;
use pixels::Kind;
use server::timestamp;
use time::OffsetDateTime;

use crate::export::{self, Export};
use crate::format::Format;
use crate::item::{self, Item, Receipt};
use crate::target::{self, Target};

pub(super) fn export(export: &Export) -> pb::Export {
    let zip = export.zip_at(OffsetDateTime::now_utc());
    pb::Export {
        id: export.id.into(),
        state: export_state(export.state).into(),
        name: export.name.clone(),
        shooting_id: export.shooting_id.into(),
        target_id: export.target_id.map(Into::into).unwrap_or_default(),
        format: Some(file_format(export.format)),
        item_count: export.tally.items,
        delivered_count: export.tally.delivered,
        failed_count: export.tally.failed,
        download_path: zip.map(|_| format!("/exports/{}/download", export.id)).unwrap_or_default(),
        size_bytes: zip.map(|it| it.size_bytes).unwrap_or_default(),
        problem: export.problem.clone(),
        create_time: Some(timestamp(export.created_at)),
        end_time: export.ended_at.map(timestamp),
    }
}

pub(super) fn item(item: &Item) -> pb::ExportItem {
    pb::ExportItem {
        id: item.id.into(),
        state: item_state(item.state).into(),
        shot_id: item.shot_id.into(),
        prediction_id: item.prediction_id.into(),
        filename: item.filename.clone(),
        attempt_count: item.attempt_count,
        problem: item.problem.clone(),
        receipt: item.receipt.as_ref().map(receipt),
    }
}

fn receipt(receipt: &Receipt) -> pb::Receipt {
    pb::Receipt {
        location: receipt.location.clone(),
        remote_id: receipt.remote_id.clone(),
        sha256: receipt.digest.sha256.to_vec().into(),
        size_bytes: receipt.digest.size_bytes,
        deliver_time: Some(timestamp(receipt.delivered_at)),
    }
}

/// The secret stays here: a target has no field that could carry it by mistake.
pub(super) fn target(target: &Target) -> pb::Target {
    let address = &target.address;
    pb::Target {
        id: target.id.into(),
        name: target.name.clone(),
        state: target_state(target.state).into(),
        bucket: Some(pb::Bucket {
            endpoint_url: address.endpoint_url.clone(),
            region: address.region.clone(),
            name: address.bucket.clone(),
            prefix: address.prefix.clone(),
            access_key_id: address.access_key_id.clone(),
            secret_access_key: String::new(),
        }),
        create_time: Some(timestamp(target.created_at)),
    }
}

/// Reads how files are to be formatted. The rules of the contract hold already.
pub(super) fn format(format: Option<pb::FileFormat>) -> Format {
    let format = format.unwrap_or_default();
    Format {
        kind: match format.r#type() {
            Type::Unspecified => None,
            Type::Jpeg => Some(Kind::Jpeg),
            Type::Png => Some(Kind::Png),
            Type::Webp => Some(Kind::Webp),
        },
        long_edge: u32::try_from(format.long_edge_px).ok().filter(|it| *it != 0),
        quality: u8::try_from(format.quality).ok().filter(|it| *it != 0),
    }
}

fn file_format(format: Format) -> pb::FileFormat {
    let kind = match format.kind {
        Some(Kind::Jpeg) => Type::Jpeg,
        Some(Kind::Png) => Type::Png,
        Some(Kind::Webp) => Type::Webp,
        Some(Kind::Gif | Kind::Mp4) | None => Type::Unspecified,
    };
    pb::FileFormat {
        r#type: kind.into(),
        long_edge_px: format.long_edge.and_then(|it| i32::try_from(it).ok()).unwrap_or_default(),
        quality: format.quality.map(i32::from).unwrap_or_default(),
    }
}

pub(super) fn export_state(state: export::State) -> pb::export::State {
    match state {
        export::State::Queued => pb::export::State::Queued,
        export::State::Delivering => pb::export::State::Delivering,
        export::State::Waiting => pb::export::State::Waiting,
        export::State::Completed => pb::export::State::Completed,
        export::State::PartiallyCompleted => pb::export::State::PartiallyCompleted,
        export::State::Failed => pb::export::State::Failed,
        export::State::Cancelled => pb::export::State::Cancelled,
    }
}

fn item_state(state: item::State) -> pb::export_item::State {
    match state {
        item::State::Pending => pb::export_item::State::Pending,
        item::State::Delivered => pb::export_item::State::Delivered,
        item::State::Failed => pb::export_item::State::Failed,
        item::State::Cancelled => pb::export_item::State::Cancelled,
    }
}

fn target_state(state: target::State) -> pb::target::State {
    match state {
        target::State::Untested => pb::target::State::Untested,
        target::State::Active => pb::target::State::Active,
        target::State::Refused => pb::target::State::Refused,
    }
}
