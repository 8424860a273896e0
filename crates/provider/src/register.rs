//! Which runs this process has submitted, so that none is submitted twice.
//!
//! The durable record is the caller's; this one covers the moments in which a caller lost an
//! answer of ours and asks again with the same run id.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use crate::Accepted;
use crate::error::{Error, Result};
use crate::failure::Failure;

/// How many runs are remembered.
const MOST: usize = 8192;

/// What became of a submission.
#[derive(Clone, Debug)]
pub(crate) enum Submitted<J> {
    /// The vendor took it.
    Accepted { accepted: Accepted<J>, adjustments: Vec<String> },
    /// Nobody knows whether the vendor took it.
    InDoubt(Failure),
}

/// One run. Locked while it is being submitted; empty until it was.
#[derive(Debug)]
pub(crate) struct Entry<J> {
    fingerprint: [u8; 32],
    pub(crate) submitted: tokio::sync::Mutex<Option<Submitted<J>>>,
}

/// The runs of this process.
#[derive(Debug)]
pub(crate) struct Register<J> {
    entries: Mutex<Entries<J>>,
}

#[derive(Debug)]
struct Entries<J> {
    known: HashMap<String, Arc<Entry<J>>>,
    /// The run ids, the oldest first.
    order: VecDeque<String>,
}

impl<J> Register<J> {
    /// Returns a register of no runs.
    pub(crate) fn new() -> Self {
        let entries = Entries { known: HashMap::new(), order: VecDeque::new() };
        Self { entries: Mutex::new(entries) }
    }

    /// Finds or opens the entry of a run; `input` is what it is asked for with.
    pub(crate) fn entry(&self, run_id: &str, input: &[u8]) -> Result<Arc<Entry<J>>> {
        let fingerprint = Sha256::digest(input).into();
        let mut entries = self.entries.lock().expect("nothing panics while it is held");
        let Entries { known, order } = &mut *entries;
        if let Some(entry) = known.get(run_id) {
            if entry.fingerprint != fingerprint {
                return Err(Error::RunIdReused(run_id.to_owned()));
            }
            return Ok(Arc::clone(entry));
        }
        if MOST <= order.len()
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
        let entry = Arc::new(Entry { fingerprint, submitted: tokio::sync::Mutex::new(None) });
        known.insert(run_id.to_owned(), Arc::clone(&entry));
        order.push_back(run_id.to_owned());
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_belongs_to_one_input() -> Result<()> {
        let register = Register::<()>::new();
        let first = register.entry("r", b"a tote")?;
        assert!(Arc::ptr_eq(&first, &register.entry("r", b"a tote")?));
        assert!(matches!(register.entry("r", b"a hat"), Err(Error::RunIdReused(_))));
        Ok(())
    }

    #[test]
    fn the_oldest_run_is_forgotten_first() -> Result<()> {
        let register = Register::<()>::new();
        let first = register.entry("0", b"")?;
        for run in 1..=MOST {
            register.entry(&run.to_string(), b"")?;
        }
        assert!(!Arc::ptr_eq(&first, &register.entry("0", b"")?));
        Ok(())
    }
}
