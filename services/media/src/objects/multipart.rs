//! Files that are brought in parts.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use pixels::Kind;

use super::{Error, Objects, Result};

/// A part that the store has accepted, as the caller tells.
#[derive(Clone, Debug)]
pub(crate) struct Uploaded {
    pub(crate) number: i32,
    pub(crate) etag: String,
}

impl Objects {
    /// Begins a file in parts and returns the store's name for it.
    pub(crate) async fn create_multipart(&self, key: &str, kind: Kind) -> Result<String> {
        let created = self
            .inside
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .content_type(kind.media_type())
            .send()
            .await?;
        created.upload_id().map(str::to_owned).ok_or_else(|| {
            Error::Refused("the store began a file in parts without naming it".into())
        })
    }

    /// Puts the parts together.
    pub(crate) async fn complete_multipart(
        &self,
        key: &str,
        id: &str,
        parts: &[Uploaded],
    ) -> Result<()> {
        let parts = parts.iter().map(|part| {
            CompletedPart::builder().part_number(part.number).e_tag(&part.etag).build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        self.inside
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(id)
            .multipart_upload(parts)
            .send()
            .await?;
        Ok(())
    }

    /// Gives the parts up. One that is gone already is given up, too.
    pub(crate) async fn abort_multipart(&self, key: &str, id: &str) -> Result<()> {
        let aborted = self
            .inside
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(id)
            .send()
            .await;
        match aborted.map_err(Error::from) {
            Ok(_) | Err(Error::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
