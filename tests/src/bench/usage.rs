//! What processes use, as the kernel counts it.

use std::time::Duration;

use crate::Result;

/// How many ticks a second of processor time has: the same on every Linux that there is.
const TICKS: u64 = 100;

/// The processor time that a process has used, with that of children that have ended.
pub(super) fn processor(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before the last parenthesis may contain anything; see proc_pid_stat(5).
    let fields = stat.rsplit_once(')').ok_or("no name")?.1;
    let ticks = fields.split_whitespace().skip(11).take(4);
    let ticks = ticks.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

/// The same, with children that run.
pub(super) fn processor_of_all(pid: u32) -> Result<Duration> {
    let mut sum = processor(pid)?;
    for child in crate::process::children(pid)? {
        // It may have ended meanwhile; then it counts with its parent.
        sum += processor(child).unwrap_or_default();
    }
    Ok(sum)
}

/// How many megabytes of memory a process holds.
pub(super) fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: f64 = line.trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_what_it_uses() -> Result {
        let pid = std::process::id();
        let before = processor(pid)?;
        let start = std::time::Instant::now();
        while processor(pid)? < before + Duration::from_millis(50) {
            assert!(start.elapsed() < Duration::from_secs(20));
        }
        assert!((1.0..10_000.0).contains(&resident(pid)?));
        Ok(())
    }
}
