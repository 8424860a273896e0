//! Zips, written to the disk one picture at a time.

use std::fs::File;
use std::io::{Seek, Write};

use time::OffsetDateTime;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The largest zip: as much as a store takes at once.
pub(crate) const MAX_BYTES: u64 = 5 << 30;

/// A zip that is being written. It has no name on the disk, so that whoever dies leaves nothing behind.
pub(crate) struct Archive {
    zip: ZipWriter<File>,
    options: SimpleFileOptions,
}

/// Why a zip cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the zip cannot be written")]
pub(crate) struct Error(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Archive {
    /// Begins a zip whose files are dated `at`.
    pub(crate) fn create(at: OffsetDateTime) -> Result<Self, Error> {
        let (date, time) = (at.date(), at.time());
        let date = DateTime::from_date_and_time(
            u16::try_from(date.year()).unwrap_or(1980),
            date.month().into(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
        );
        let options = SimpleFileOptions::default()
            // Pictures do not become smaller.
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(date.unwrap_or_default())
            .unix_permissions(0o644);
        Ok(Self { zip: ZipWriter::new(tempfile::tempfile().map_err(failed)?), options })
    }

    /// Adds a file.
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.zip.start_file(name, self.options).map_err(failed)?;
        self.zip.write_all(bytes).map_err(failed)
    }

    /// Ends the zip, and returns it to be read from its beginning, with its size.
    pub(crate) fn finish(self) -> Result<(File, u64), Error> {
        let mut file = self.zip.finish().map_err(failed)?;
        let size = file.seek(std::io::SeekFrom::End(0)).map_err(failed)?;
        file.rewind().map_err(failed)?;
        Ok((file, size))
    }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error(error.into())
}
