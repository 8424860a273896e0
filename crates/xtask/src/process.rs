//! One child process: started, watched, started again, stopped.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::health::Health;
use crate::workspace::which;

/// How long a process must have run for its next end to count as the first.
const STABLE: Duration = Duration::from_secs(60);

/// The user a process runs as, if not ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// All of its environment, but for the few variables that every program may see.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) user: Option<User>,
    pub(crate) log: PathBuf,
    /// Where its process id is written down, for tests that end it.
    pub(crate) pid: Option<PathBuf>,
    pub(crate) port: u16,
    pub(crate) health: Health,
    /// The signal that asks it to stop.
    pub(crate) stop: &'static str,
}

/// A process that should be running.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) spec: Spec,
    child: Option<Child>,
    started: Instant,
    n_ends: u32,
    next_start: Option<Instant>,
}

/// What a look at a process found.
#[derive(Debug)]
pub(crate) enum Change {
    Ended(ExitStatus, Duration),
    Restarted,
}

impl Process {
    pub(crate) fn start(spec: Spec) -> Result<Self> {
        let child = Some(spawn(&spec)?);
        Ok(Self { spec, child, started: Instant::now(), n_ends: 0, next_start: None })
    }

    /// Waits for nothing: sees whether it ended, and starts it again when it is time.
    pub(crate) fn look(&mut self) -> Result<Option<Change>> {
        if let Some(child) = &mut self.child {
            let Some(status) = child.try_wait()? else { return Ok(None) };
            self.child = None;
            if STABLE < self.started.elapsed() {
                self.n_ends = 0;
            }
            let pause = Duration::from_secs(1 << self.n_ends.min(5)).min(Duration::from_secs(30));
            self.n_ends += 1;
            self.next_start = Some(Instant::now() + pause);
            return Ok(Some(Change::Ended(status, pause)));
        }
        if self.next_start.is_some_and(|it| it <= Instant::now()) {
            self.next_start = None;
            self.child = Some(spawn(&self.spec)?);
            self.started = Instant::now();
            return Ok(Some(Change::Restarted));
        }
        Ok(None)
    }

    pub(crate) fn is_well(&self) -> bool {
        self.child.is_some() && self.spec.health.is_well(self.spec.port)
    }

    /// Asks it to stop, without waiting.
    pub(crate) fn ask_to_stop(&self) {
        if let Some(child) = &self.child {
            signal(child, self.spec.stop);
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => true,
        }
    }

    /// Ends it, whatever it does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Ended already is as good.
            let _ = child.kill();
            let _ = child.wait();
            if let Some(pid) = &self.spec.pid {
                let _ = fs::remove_file(pid);
            }
        }
    }

    /// Asks it to stop and waits so long; ends it then.
    pub(crate) fn stop(&mut self, patience: Duration) {
        self.ask_to_stop();
        let end = Instant::now() + patience;
        while !self.has_ended() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }

    /// The last thing it said that looks like a reason.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read(&self.spec.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log[log.len().saturating_sub(20_000)..]);
        if log.contains("No space left on device") {
            return "the disk is full".to_owned();
        }
        let lines: Vec<&str> = log.lines().filter(|it| !it.trim().is_empty()).collect();
        let is_reason = |it: &&str| {
            let it = it.to_ascii_lowercase();
            ["error", "fatal", "panicked", "required"].iter().any(|word| it.contains(word))
        };
        // What follows a colon is the reason itself, as with settings that are missing.
        let idx = lines.iter().rposition(is_reason).unwrap_or(lines.len().saturating_sub(1));
        let n_lines = if lines.get(idx).is_some_and(|it| it.ends_with(':')) { 4 } else { 1 };
        let words: Vec<&str> = lines.iter().skip(idx).take(n_lines).map(|it| it.trim()).collect();
        let words = reason(&words.join(" "));
        if words.is_empty() {
            return "it ended without a word".to_owned();
        }
        words.chars().take(600).collect()
    }
}

/// The reason alone, where a line of a log is JSON.
fn reason(line: &str) -> String {
    let Some((_, rest)) = line.split_once(r#""error":""#) else { return line.to_owned() };
    let mut reason = String::new();
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => reason.extend(letters.next()),
            letter => reason.push(letter),
        }
    }
    reason
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(spec: &Spec) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(&spec.log)
        .with_context(|| format!("cannot write {}", spec.log.display()))?;
    let mut command = match which("setpriv") {
        // The kernel ends the child when we are killed outright and cannot.
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", spec.stop]);
            if let Some(user) = spec.user {
                command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
                command.arg("--clear-groups");
            }
            command.arg("--").arg(&spec.program);
            command
        }
        None => {
            let mut command = Command::new(&spec.program);
            if let Some(user) = spec.user {
                command.uid(user.uid).gid(user.gid);
            }
            command
        }
    };
    command.args(&spec.arguments).env_clear();
    for name in ["PATH", "HOME", "LANG", "TZ", "RUST_LOG", "RUST_BACKTRACE", "SSL_CERT_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let child = command
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C in the terminal is for us; we stop the children in order.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", spec.program.display()))?;
    if let Some(pid) = &spec.pid {
        fs::write(pid, format!("{}\n", child.id()))?;
    }
    Ok(child)
}

fn signal(child: &Child, signal: &str) {
    let sent: io::Result<ExitStatus> =
        Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
    // Ended already; or there is no `kill`, and the patience runs out.
    let _ = sent;
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn a_line_of_json_gives_its_reason() {
        let line = r#"{"level":"ERROR","error":"no role \"me\" there","target":"x"}"#;
        assert_eq!(reason(line), r#"no role "me" there"#);
        assert_eq!(reason("error: a reason"), "error: a reason");
    }
}
