//! The folder: `buckets/<name>/{data,meta}` and `uploads/<id>`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use s3s::{
    S3Result,
    crypto::{Checksum as _, Sha256},
    s3_error,
};
use time::OffsetDateTime;
use tokio::{fs, sync::RwLock};
use uuid::Uuid;

use crate::{
    blob::{Draft, fault},
    object::Object,
};

/// Uploads that nobody completed are swept at a start after this long.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Every bucket below one root.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    buckets: RwLock<HashMap<String, Arc<Bucket>>>,
}

/// One bucket: its files, and what is in them by key.
#[derive(Debug)]
pub(crate) struct Bucket {
    folder: PathBuf,
    pub(crate) created: OffsetDateTime,
    // Invariant: an object is here if and only if its `meta` file and its blob exist.
    objects: RwLock<BTreeMap<String, Arc<Object>>>,
}

/// What must hold at the moment an object is replaced.
pub(crate) type Guard<'a> = &'a (dyn Fn(Option<&Object>) -> S3Result<()> + Send + Sync);

impl Disk {
    /// Reads what is there and sweeps what a killed process left half done.
    pub(crate) async fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join("buckets")).await?;
        fs::create_dir_all(root.join("uploads")).await?;
        let mut buckets = HashMap::new();
        let mut folders = fs::read_dir(root.join("buckets")).await?;
        while let Some(folder) = folders.next_entry().await? {
            if let Ok(name) = folder.file_name().into_string() {
                buckets.insert(name, Arc::new(Bucket::open(folder.path()).await?));
            }
        }
        sweep_uploads(&root.join("uploads")).await?;
        Ok(Self { root: root.to_owned(), buckets: RwLock::new(buckets) })
    }

    /// Makes a bucket; `false` if it exists.
    pub(crate) async fn create(&self, name: &str) -> io::Result<bool> {
        let mut buckets = self.buckets.write().await;
        if buckets.contains_key(name) {
            return Ok(false);
        }
        let bucket = Bucket::open(self.root.join("buckets").join(name)).await?;
        buckets.insert(name.to_owned(), Arc::new(bucket));
        Ok(true)
    }

    /// Removes a bucket that is empty.
    pub(crate) async fn remove(&self, name: &str) -> S3Result<()> {
        let mut buckets = self.buckets.write().await;
        let bucket = buckets.get(name).ok_or_else(|| s3_error!(NoSuchBucket))?;
        if !bucket.objects.read().await.is_empty() {
            return Err(s3_error!(BucketNotEmpty));
        }
        fs::remove_dir_all(&bucket.folder).await.map_err(fault)?;
        buckets.remove(name);
        Ok(())
    }

    pub(crate) async fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        self.buckets.read().await.get(name).cloned().ok_or_else(|| s3_error!(NoSuchBucket))
    }

    pub(crate) async fn names(&self) -> Vec<(String, OffsetDateTime)> {
        let buckets = self.buckets.read().await;
        let mut names: Vec<_> =
            buckets.iter().map(|(name, bucket)| (name.clone(), bucket.created)).collect();
        names.sort();
        names
    }

    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }
}

impl Bucket {
    async fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(folder.join("data")).await?;
        fs::create_dir_all(folder.join("meta")).await?;
        let metadata = fs::metadata(&folder).await?;
        let created = metadata.created().or_else(|_| metadata.modified())?.into();

        let mut objects = BTreeMap::new();
        let mut used = HashSet::new();
        let mut metas = fs::read_dir(folder.join("meta")).await?;
        while let Some(meta) = metas.next_entry().await? {
            let object = serde_json::from_slice::<Object>(&fs::read(meta.path()).await?);
            match object {
                Ok(object) if fs::try_exists(folder.join("data").join(&object.blob)).await? => {
                    used.insert(object.blob.clone());
                    objects.insert(object.key.clone(), Arc::new(object));
                }
                // Half written when the process was killed; nobody was told that it is stored.
                _ => fs::remove_file(meta.path()).await?,
            }
        }
        let mut blobs = fs::read_dir(folder.join("data")).await?;
        while let Some(blob) = blobs.next_entry().await? {
            if !blob.file_name().to_str().is_some_and(|it| used.contains(it)) {
                fs::remove_file(blob.path()).await?;
            }
        }
        Ok(Self { folder, created, objects: RwLock::new(objects) })
    }

    /// A new file for bytes to come, and its name.
    pub(crate) fn draft(&self) -> (String, Draft) {
        let blob = Uuid::now_v7().simple().to_string();
        let draft = Draft::new(self.blob(&blob));
        (blob, draft)
    }

    pub(crate) async fn find(&self, key: &str) -> Option<Arc<Object>> {
        self.objects.read().await.get(key).cloned()
    }

    /// Opens an object's bytes; whoever holds the file reads on after a later delete.
    pub(crate) async fn read(&self, key: &str) -> S3Result<(Arc<Object>, fs::File)> {
        let objects = self.objects.read().await;
        let object = objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))?;
        let file = fs::File::open(self.blob(&object.blob)).await.map_err(fault)?;
        Ok((object, file))
    }

    /// Makes `draft` the object, if `guard` agrees to what is there at that moment.
    pub(crate) async fn commit(
        &self,
        object: Object,
        draft: Draft,
        guard: Guard<'_>,
    ) -> S3Result<Arc<Object>> {
        let object = Arc::new(object);
        let meta = self.meta(&object.key);
        let json = serde_json::to_vec(&*object).map_err(|error| s3_error!(error, InternalError))?;

        let mut objects = self.objects.write().await;
        guard(objects.get(&object.key).map(|it| &**it))?;
        let temporary = Draft::new(draft.path().with_extension("meta"));
        fs::write(temporary.path(), json).await.map_err(fault)?;
        fs::rename(temporary.path(), meta).await.map_err(fault)?;
        temporary.keep();
        draft.keep();
        let replaced = objects.insert(object.key.clone(), Arc::clone(&object));
        drop(objects);

        if let Some(replaced) = replaced {
            // An orphan is swept at the next start.
            let _ = fs::remove_file(self.blob(&replaced.blob)).await;
        }
        Ok(object)
    }

    /// Removes an object; removing what is not there is success, as in S3.
    pub(crate) async fn delete(&self, key: &str) -> S3Result<()> {
        let mut objects = self.objects.write().await;
        let Some(object) = objects.get(key) else { return Ok(()) };
        // The meta file first: without it, the blob is an orphan and no object.
        fs::remove_file(self.meta(key)).await.map_err(fault)?;
        let blob = self.blob(&object.blob);
        objects.remove(key);
        drop(objects);
        let _ = fs::remove_file(blob).await;
        Ok(())
    }

    /// Lets `visit` see the objects in order.
    pub(crate) async fn look<T>(
        &self,
        visit: impl FnOnce(&BTreeMap<String, Arc<Object>>) -> T,
    ) -> T {
        visit(&*self.objects.read().await)
    }

    pub(crate) fn blob(&self, blob: &str) -> PathBuf {
        self.folder.join("data").join(blob)
    }

    /// Keys are longer and odder than file names may be, hence the hash.
    fn meta(&self, key: &str) -> PathBuf {
        let hash = Sha256::checksum(key.as_bytes());
        self.folder.join("meta").join(format!("{}.json", hex::encode(hash)))
    }
}

async fn sweep_uploads(folder: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    let mut uploads = fs::read_dir(folder).await?;
    while let Some(upload) = uploads.next_entry().await? {
        let age = now.duration_since(upload.metadata().await?.modified()?).unwrap_or_default();
        if age > ABANDONED {
            fs::remove_dir_all(upload.path()).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    async fn put(bucket: &Bucket, key: &str, body: &str) -> Result {
        let (blob, draft) = bucket.draft();
        fs::write(draft.path(), body).await?;
        let object = Object {
            key: key.to_owned(),
            blob,
            size_bytes: body.len() as u64,
            etag: body.to_owned(),
            modified: OffsetDateTime::now_utc(),
            attributes: Default::default(),
            sums: Default::default(),
        };
        bucket.commit(object, draft, &|_| Ok(())).await?;
        Ok(())
    }

    #[tokio::test]
    async fn objects_outlive_the_process() -> Result {
        let root = tempfile::tempdir()?;
        let disk = Disk::open(root.path()).await?;
        disk.create("photos").await?;
        let bucket = disk.bucket("photos").await?;
        put(&bucket, "a", "one").await?;
        put(&bucket, "a", "two").await?;
        put(&bucket, "b", "gone").await?;
        bucket.delete("b").await?;

        let disk = Disk::open(root.path()).await?;
        let bucket = disk.bucket("photos").await?;
        assert_eq!(bucket.find("a").await.ok_or("lost")?.etag, "two");
        assert!(bucket.find("b").await.is_none());
        assert_eq!(std::fs::read_dir(root.path().join("buckets/photos/data"))?.count(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_killed_process_leaves_nothing_half_done() -> Result {
        let root = tempfile::tempdir()?;
        let disk = Disk::open(root.path()).await?;
        disk.create("photos").await?;
        put(&*disk.bucket("photos").await?, "a", "one").await?;
        let folder = root.path().join("buckets/photos");
        std::fs::write(folder.join("data/orphan"), "half")?;
        std::fs::write(folder.join("meta/torn.json"), "{\"key\":")?;

        let disk = Disk::open(root.path()).await?;
        assert!(disk.bucket("photos").await?.find("a").await.is_some());
        assert!(!folder.join("data/orphan").exists());
        assert!(!folder.join("meta/torn.json").exists());
        Ok(())
    }

    #[tokio::test]
    async fn a_full_bucket_is_not_removed() -> Result {
        let root = tempfile::tempdir()?;
        let disk = Disk::open(root.path()).await?;
        disk.create("photos").await?;
        put(&*disk.bucket("photos").await?, "a", "one").await?;
        assert!(disk.remove("photos").await.is_err());
        disk.bucket("photos").await?.delete("a").await?;
        disk.remove("photos").await?;
        assert!(disk.bucket("photos").await.is_err());
        Ok(())
    }
}
