//! The contract lists every reason, and no reason that is never given.

use std::collections::BTreeSet;

use api::sartiq::media::v1::ErrorReason;

use super::*;
use crate::refusal::Reason;

fn every_error() -> Vec<Error> {
    let refused = |reason| Error::Refused {
        field: "id",
        refusal: Refusal { reason, message: "no".to_owned() },
    };
    let mut errors: Vec<_> = Reason::ALL.into_iter().map(refused).collect();
    errors.extend([
        Error::MediaNotFound(vec![MediaId::generate()]),
        Error::RenditionNotFound { id: MediaId::generate(), edge: 256 },
        Error::UploadNotFound(UploadId::generate()),
        Error::WorkspaceFileNotFound("compute/images/1/result_0.png".to_owned()),
        Error::UploadIncomplete,
        Error::UploadAborted(UploadId::generate()),
        Error::UploadExpired(UploadId::generate()),
        Error::UploadDecided(UploadId::generate()),
        Error::WorkspaceFileAdopted("compute/images/1/result_0.png".to_owned()),
        Error::BytesChanged,
        Error::TooSlow,
        Error::Interrupted,
        Error::field("parts", "must name every part"),
        Error::PageToken(PageTokenError::Malformed),
        Error::Replay(replay::Error::RequestIdReused(uuid::Uuid::nil())),
        Error::Objects(objects::Error::Unreachable("timed out".into())),
        Error::ObjectsRefused(objects::Error::Refused("forbidden".into())),
        Error::Store(sqlx::Error::PoolTimedOut),
        Error::Store(sqlx::Error::RowNotFound),
    ]);
    errors
}

#[test]
fn the_contract_lists_every_reason() {
    let given: BTreeSet<_> = every_error().iter().map(Fault::reason).collect();
    let listed: Vec<_> = (1..)
        .map_while(|it| ErrorReason::try_from(it).ok())
        .map(|it| it.as_str_name().trim_start_matches("ERROR_REASON_").to_owned())
        .collect();
    assert_eq!(listed.iter().map(String::as_str).collect::<BTreeSet<_>>(), given);
}

#[test]
fn nothing_of_the_store_is_shown() {
    let error = Error::Objects(objects::Error::Unreachable("10.0.0.7 timed out".into()));
    let status = Status::from(error);
    assert!(!status.message().contains("10.0.0.7"));
    assert!(!String::from_utf8_lossy(status.details()).contains("10.0.0.7"));
}
