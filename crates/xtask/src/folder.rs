//! The data folder: one mesh at a time, and room to work in.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// What a run needs at least: databases, logs and a few hundred pictures.
const LEAST_KIB: u64 = 1 << 20;

/// A folder that is ours as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = workspace::root().join(path);
        fs::create_dir_all(&path)
            .with_context(|| format!("cannot make the data folder {}", path.display()))?;
        // The database's user has to pass through.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let lock_path = path.join("lock");
        let mut lock = File::options().create(true).append(true).open(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = fs::read_to_string(&lock_path).unwrap_or_default();
                bail!(
                    "another `cargo xtask up` (process {}) runs on {}; stop it, or choose another \
                     folder with `--data`",
                    owner.trim(),
                    path.display()
                );
            }
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock"),
        }
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
        let folder = Self { path, _lock: lock };
        folder.make()?;
        folder.check_room()?;
        Ok(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.path
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.path.join("logs").join(format!("{name}.log"))
    }

    pub(crate) fn pid(&self, name: &str) -> PathBuf {
        self.path.join("run").join(format!("{name}.pid"))
    }

    /// Removes all that was kept, but the lock.
    pub(crate) fn wipe(&self) -> Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.ends_with("lock") {
                continue;
            }
            if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
        self.make()
    }

    fn make(&self) -> Result<()> {
        for name in ["logs", "run"] {
            fs::create_dir_all(self.path.join(name))?;
        }
        Ok(())
    }

    fn check_room(&self) -> Result<()> {
        let table = workspace::read(Command::new("df").arg("-Pk").arg(&self.path))?;
        let free = table.lines().nth(1).and_then(|it| it.split_whitespace().nth(3));
        let Some(free) = free.and_then(|it| it.parse::<u64>().ok()) else { return Ok(()) };
        if free < LEAST_KIB {
            bail!(
                "the disk is nearly full: {} MiB free below {}, at least 1024 are needed",
                free / 1024,
                self.path.display()
            );
        }
        Ok(())
    }
}
