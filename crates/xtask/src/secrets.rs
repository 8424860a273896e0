//! Secrets, made once and kept in a file that only we may read; ports are remembered likewise.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A file of `NAME=value` lines.
#[derive(Debug)]
pub(crate) struct Book {
    path: PathBuf,
    entries: BTreeMap<String, String>,
}

impl Book {
    /// Reads the file, if there is one.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
        };
        let entries = text
            .lines()
            .filter_map(|it| it.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { path, entries })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.entries.get(name).map(String::as_str)
    }

    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.entries.insert(name.to_owned(), value);
    }

    /// A secret by name: 32 random bytes, the same ones ever after.
    pub(crate) fn secret(&mut self, name: &str) -> Result<String> {
        if let Some(secret) = self.entries.get(name) {
            return Ok(secret.clone());
        }
        let secret = random(32)?;
        self.entries.insert(name.to_owned(), secret.clone());
        Ok(secret)
    }

    /// Writes the file anew, readable by its owner alone.
    pub(crate) fn save(&self) -> Result<()> {
        let temporary = self.path.with_extension("new");
        let mut file = create(&temporary)?;
        for (name, value) in &self.entries {
            writeln!(file, "{name}={value}")?;
        }
        drop(file);
        fs::rename(&temporary, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn create(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Random bytes in hexadecimal.
pub(crate) fn random(n_bytes: usize) -> Result<String> {
    let mut bytes = vec![0; n_bytes];
    File::open("/dev/urandom")
        .and_then(|mut it| it.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(bytes.iter().map(|it| format!("{it:02x}")).collect())
}
