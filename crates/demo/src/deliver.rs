//! The approved pictures as a zip.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use api::sartiq::delivery::v1::export_service_client::ExportServiceClient;
use api::sartiq::delivery::v1::{
    CreateExportRequest, Export, GetExportRequest, ListExportItemsRequest, export,
};
use sha2::{Digest, Sha256};

use crate::client::{Client, request_id};

/// A zip that was downloaded and compared with its receipts.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) path: PathBuf,
    pub(crate) pictures: Vec<Vec<u8>>,
}

/// Exports the approved shots of a shooting to a zip.
pub(crate) async fn export(client: &Client, shooting_id: &str) -> Result<Export> {
    let mut exports = ExportServiceClient::new(client.signed.clone());
    let request = CreateExportRequest {
        request_id: request_id(),
        name: "Demo".to_owned(),
        shooting_id: shooting_id.to_owned(),
        ..CreateExportRequest::default()
    };
    let created = exports.create_export(request).await?.into_inner().export;
    let id = created.context("the mesh made no export")?.id;
    for _ in 0..600 {
        let request = GetExportRequest { id: id.clone() };
        let found = exports.get_export(request).await?.into_inner().export;
        let now = found.context("the mesh lost the export")?;
        match now.state() {
            export::State::Completed => return Ok(now),
            export::State::Failed
            | export::State::PartiallyCompleted
            | export::State::Cancelled => bail!("the export failed: {}", now.problem),
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    bail!("the export did not end")
}

/// Downloads the zip and compares each file in it with its receipt.
pub(crate) async fn download(client: &Client, export: &Export, folder: &Path) -> Result<Delivered> {
    let bytes = client.download(&export.download_path).await?;
    let path = folder.join("approved.zip");
    tokio::fs::write(&path, &bytes).await?;
    let mut exports = ExportServiceClient::new(client.signed.clone());
    let request = ListExportItemsRequest {
        export_id: export.id.clone(),
        page_size: 200,
        ..Default::default()
    };
    let items = exports.list_export_items(request).await?.into_inner().items;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let mut pictures = Vec::new();
    for item in &items {
        let receipt = item.receipt.as_ref().context("an item without a receipt")?;
        let mut file = Vec::new();
        archive.by_name(&receipt.location)?.read_to_end(&mut file)?;
        ensure!(
            Sha256::digest(&file).as_slice() == &receipt.sha256[..],
            "{} is not what its receipt says",
            receipt.location
        );
        pictures.push(file);
    }
    ensure!(!pictures.is_empty(), "the zip is empty");
    Ok(Delivered { path, pictures })
}
