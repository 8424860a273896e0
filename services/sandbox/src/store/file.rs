//! Results and uploads: bounded in bytes and age, in memory or in a folder.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// A file, to be served.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// Every file.
#[derive(Debug)]
pub(crate) struct Files {
    folder: Option<PathBuf>,
    most_bytes: u64,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    files: HashMap<String, Kept>,
    // Oldest first.
    order: VecDeque<String>,
    parts: HashMap<String, Parts>,
    bytes: u64,
}

#[derive(Debug)]
struct Kept {
    media_type: String,
    // Absent where the bytes are in the folder.
    bytes: Option<Bytes>,
    length: u64,
    made: Instant,
}

/// An upload that comes in parts.
#[derive(Debug)]
struct Parts {
    media_type: String,
    parts: BTreeMap<u32, Bytes>,
    made: Instant,
}

impl Files {
    pub(crate) fn new(folder: Option<PathBuf>, most_bytes: u64) -> io::Result<Self> {
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Self { folder, most_bytes, shelf: Mutex::default() })
    }

    /// Keeps a file under `key`, which must be one path segment; the oldest give way.
    pub(crate) fn put(&self, key: &str, media_type: &str, bytes: Bytes) -> io::Result<()> {
        let length = bytes.len() as u64;
        let bytes = match &self.folder {
            Some(folder) => {
                std::fs::write(folder.join(key), &bytes)?;
                None
            }
            None => Some(bytes),
        };
        let media_type = media_type.to_owned();
        let mut gone = Vec::new();
        {
            let mut shelf = self.shelf.lock().expect("no holder panics");
            let kept = Kept { media_type, bytes, length, made: Instant::now() };
            if let Some(before) = shelf.files.insert(key.to_owned(), kept) {
                shelf.bytes -= before.length;
                shelf.order.retain(|it| it != key);
            }
            shelf.bytes += length;
            shelf.order.push_back(key.to_owned());
            while shelf.bytes > self.most_bytes && shelf.order.len() > 1 {
                gone.extend(shelf.drop_oldest());
            }
        }
        self.unlink(&gone);
        Ok(())
    }

    /// The file under `key`.
    pub(crate) fn get(&self, key: &str) -> Option<File> {
        let (media_type, bytes) = {
            let shelf = self.shelf.lock().expect("no holder panics");
            let kept = shelf.files.get(key)?;
            (kept.media_type.clone(), kept.bytes.clone())
        };
        let bytes = match (bytes, &self.folder) {
            (Some(bytes), _) => bytes,
            (None, Some(folder)) => std::fs::read(folder.join(key)).ok()?.into(),
            (None, None) => return None,
        };
        Some(File { media_type, bytes })
    }

    /// Forgets the file under `key`.
    pub(crate) fn remove(&self, key: &str) {
        let is_gone = {
            let mut shelf = self.shelf.lock().expect("no holder panics");
            shelf.order.retain(|it| it != key);
            let kept = shelf.files.remove(key);
            shelf.bytes -= kept.as_ref().map_or(0, |it| it.length);
            kept.is_some()
        };
        if is_gone {
            self.unlink(&[key.to_owned()]);
        }
    }

    /// Forgets what is older than `age`; everything where that is zero.
    pub(crate) fn sweep(&self, age: Duration) {
        let mut gone = Vec::new();
        {
            let mut shelf = self.shelf.lock().expect("no holder panics");
            shelf.parts.retain(|_, it| it.made.elapsed() < age);
            while let Some(key) = shelf.order.front()
                && shelf.files.get(key).is_none_or(|it| it.made.elapsed() >= age)
            {
                gone.extend(shelf.drop_oldest());
            }
        }
        self.unlink(&gone);
    }

    /// Opens an upload that comes in parts.
    pub(crate) fn open_parts(&self, id: &str, media_type: &str) {
        let parts = Parts {
            media_type: media_type.to_owned(),
            parts: BTreeMap::new(),
            made: Instant::now(),
        };
        self.shelf.lock().expect("no holder panics").parts.insert(id.to_owned(), parts);
    }

    /// Adds a part; `false` where there is no such upload, or no room.
    pub(crate) fn put_part(&self, id: &str, number: u32, bytes: Bytes) -> bool {
        let mut shelf = self.shelf.lock().expect("no holder panics");
        let held: usize =
            shelf.parts.values().flat_map(|it| it.parts.values()).map(Bytes::len).sum();
        if (held + bytes.len()) as u64 > self.most_bytes {
            return false;
        }
        match shelf.parts.get_mut(id) {
            Some(upload) => {
                upload.parts.insert(number, bytes);
                true
            }
            None => false,
        }
    }

    /// Joins the named parts in order of their numbers; `None` where one is missing.
    pub(crate) fn join_parts(&self, id: &str, numbers: &[u32]) -> Option<File> {
        let mut shelf = self.shelf.lock().expect("no holder panics");
        let upload = shelf.parts.get(id)?;
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        let mut whole = Vec::new();
        for number in numbers {
            whole.extend_from_slice(upload.parts.get(&number)?);
        }
        let media_type = upload.media_type.clone();
        shelf.parts.remove(id);
        Some(File { media_type, bytes: whole.into() })
    }

    fn unlink(&self, keys: &[String]) {
        if let Some(folder) = &self.folder {
            for key in keys {
                // Gone already is as good.
                let _ = std::fs::remove_file(folder.join(key));
            }
        }
    }
}

impl Shelf {
    fn drop_oldest(&mut self) -> Option<String> {
        let key = self.order.pop_front()?;
        if let Some(kept) = self.files.remove(&key) {
            self.bytes -= kept.length;
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn check(files: &Files) -> Outcome {
        for key in ["a", "b", "c"] {
            files.put(key, "image/png", Bytes::from(vec![0; 40]))?;
        }
        assert!(files.get("a").is_none(), "the oldest gave way");
        assert_eq!(files.get("c").ok_or("gone")?.bytes.len(), 40);
        files.put("c", "image/png", Bytes::from(vec![1; 10]))?;
        assert_eq!(files.get("c").ok_or("gone")?.bytes.len(), 10);
        assert!(files.get("b").is_some());
        files.remove("b");
        assert!(files.get("b").is_none());
        files.sweep(Duration::ZERO);
        assert!(files.get("c").is_none());
        Ok(())
    }

    #[test]
    fn memory_is_bounded() -> Outcome {
        check(&Files::new(None, 100)?)
    }

    #[test]
    fn a_folder_is_bounded_too() -> Outcome {
        let folder = tempfile::tempdir()?;
        check(&Files::new(Some(folder.path().join("files")), 100)?)?;
        assert_eq!(std::fs::read_dir(folder.path().join("files"))?.count(), 0);
        Ok(())
    }

    #[test]
    fn parts_are_joined_by_number() -> Outcome {
        let files = Files::new(None, 100)?;
        files.open_parts("u", "video/mp4");
        assert!(files.put_part("u", 2, Bytes::from_static(b"world")));
        assert!(files.put_part("u", 1, Bytes::from_static(b"hello ")));
        assert!(!files.put_part("v", 1, Bytes::new()));
        assert!(files.join_parts("u", &[1, 2, 3]).is_none());
        let file = files.join_parts("u", &[2, 1]).ok_or("missing")?;
        assert_eq!(file.bytes, "hello world");
        Ok(())
    }
}
