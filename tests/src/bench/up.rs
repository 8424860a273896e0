//! How long the whole mesh takes to start.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

use super::report::Row;
use crate::Result;
use crate::process::signal;

const AREA: &str = "`cargo xtask up`, on built binaries";

/// The line that says that people can come.
const READY: &str = "sign in as";

/// Starts with an empty folder, and then with what the first left there.
pub(super) async fn rows(xtask: &Path) -> Result<Vec<Row>> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    let mut rows = Vec::new();
    for setting in ["an empty folder", "the same folder again"] {
        let port = crate::free_address()?.port().to_string();
        let start = Instant::now();
        let mut up = Command::new(xtask)
            .args(["up", "--release", "--no-build", "--port", &port, "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(up.stdout.take().ok_or("no output")?).lines();
        let ready = timeout(Duration::from_secs(120), async {
            while let Some(line) = lines.next_line().await? {
                if line.contains(READY) {
                    return Ok::<_, crate::Error>(start.elapsed());
                }
            }
            Err("it ended".into())
        });
        let took = ready.await??;
        rows.push(Row::new(AREA, setting, "ready", took.as_secs_f64(), "s").at_most(5.0));
        signal("INT", &[up.id().ok_or("it ended")?]).await?;
        timeout(Duration::from_secs(60), up.wait()).await??;
    }
    Ok(rows)
}
