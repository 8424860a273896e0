//! What `Resume` and `Cancel` need, as an adapter wrote it into `accepted`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::{Accepted, Provider};

/// Wraps a job, so that one vendor's token is never followed at another.
#[derive(Debug, Deserialize, Serialize)]
struct Envelope<J> {
    provider: String,
    job_id: String,
    job: J,
}

/// Writes what the vendor took as a token.
pub(crate) fn write<P: Provider>(accepted: &Accepted<P::Job>) -> Vec<u8> {
    let Accepted { job_id, job } = accepted;
    let (provider, job_id) = (P::NAME.to_owned(), job_id.clone());
    serde_json::to_vec(&Envelope { provider, job_id, job }).expect("a job is plain data")
}

/// Reads a token back; it has been out of our hands, so the adapter judges what it points to.
pub(crate) fn read<P: Provider>(provider: &P, token: &[u8]) -> Result<Accepted<P::Job>> {
    let wrong = Error::Malformed("resume_token", "must be one that an accepted run carried");
    match parse::<P::Job>(token) {
        Some(it) if it.provider == P::NAME && provider.admits(&it.job) => {
            Ok(Accepted { job_id: it.job_id, job: it.job })
        }
        _ => Err(wrong),
    }
}

fn parse<J: DeserializeOwned>(token: &[u8]) -> Option<Envelope<J>> {
    serde_json::from_slice(token).ok()
}
