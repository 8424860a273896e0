//! Which inputs the vendor has already, so that a garment shot from ten sides travels once.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::task::Input;

/// How many uploads are remembered.
const MOST: usize = 16_384;

/// The inputs that the vendor has, by the SHA-256 of their bytes.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<HashMap<[u8; 32], (Input, Instant)>>);

impl Uploads {
    /// Finds an input that the vendor still has.
    pub(crate) fn find(&self, sha256: &[u8; 32]) -> Option<Input> {
        let uploads = self.0.lock().expect("nothing panics while it is held");
        let (input, until) = uploads.get(sha256)?;
        (Instant::now() < *until).then(|| input.clone())
    }

    /// Remembers an input that the vendor keeps for so long.
    pub(crate) fn keep(&self, sha256: [u8; 32], input: Input, lasts: Duration) {
        if lasts.is_zero() {
            return;
        }
        // A run that waits in a queue needs its inputs for a while yet.
        let until = Instant::now() + lasts.mul_f64(0.75);
        let mut uploads = self.0.lock().expect("nothing panics while it is held");
        if MOST <= uploads.len() {
            let now = Instant::now();
            uploads.retain(|_, (_, until)| now < *until);
        }
        if uploads.len() < MOST {
            uploads.insert(sha256, (input, until));
        }
    }

    /// Forgets an input that the vendor could not read after all.
    pub(crate) fn forget(&self, reference: &str) {
        let mut uploads = self.0.lock().expect("nothing panics while it is held");
        uploads.retain(|_, (input, _)| input.reference != reference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn uploads_are_forgotten_before_the_vendor_forgets_them() {
        let uploads = Uploads::default();
        let input = Input { reference: "https://acme/1".into(), width: 1, height: 1 };
        uploads.keep([1; 32], input.clone(), Duration::from_secs(100));
        uploads.keep([2; 32], input, Duration::ZERO);
        assert!(uploads.find(&[1; 32]).is_some());
        assert!(uploads.find(&[2; 32]).is_none());
        tokio::time::advance(Duration::from_secs(80)).await;
        assert!(uploads.find(&[1; 32]).is_none());
    }
}
