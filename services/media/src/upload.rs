//! Uploads: files on their way in, and what may become of them.

use pixels::Kind;
use time::{Duration, OffsetDateTime};
use types::id::{MediaId, OrganizationId, UploadId};

use crate::media::Sha256;
use crate::refusal::Refusal;

/// How long an upload may take.
pub(crate) const LIFE: Duration = Duration::hours(24);

/// The largest file that is put in one piece.
const SINGLE: i64 = 16 << 20;

/// How large the parts of a larger file are; the last may be smaller.
const PART: i64 = 8 << 20;

/// The longest that a file name grows in a key.
const LONGEST_NAME: usize = 100;

/// A file on its way in.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) id: UploadId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) state: State,
    pub(crate) filename: String,
    // As declared; the bytes decide.
    pub(crate) kind: Kind,
    pub(crate) size_bytes: i64,
    pub(crate) sha256: Option<Sha256>,
    pub(crate) key: String,
    pub(crate) multipart_id: Option<String>,
    // The id of the media if the bytes are new.
    pub(crate) candidate_id: MediaId,
    pub(crate) media_id: Option<MediaId>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) attempt: i32,
    pub(crate) lease_until: Option<OffsetDateTime>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

/// The states of an upload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Created,
    Verifying,
    Ingested,
    Duplicate,
    Rejected,
    Aborted,
    Expired,
}

/// What can be done about an upload now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// It may be judged.
    Open,
    /// It is being judged.
    Busy,
    /// Its time is over.
    Late,
    /// It is decided.
    Settled,
}

/// What a caller announces.
#[derive(Clone, Debug)]
pub(crate) struct Announced {
    pub(crate) filename: String,
    pub(crate) kind: Kind,
    pub(crate) size_bytes: i64,
    pub(crate) sha256: Option<Sha256>,
}

/// One PUT that a caller makes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Part {
    pub(crate) number: i32,
    pub(crate) size_bytes: i64,
}

impl Upload {
    /// Returns an upload of what was `announced`.
    pub(crate) fn new(
        organization_id: OrganizationId,
        announced: Announced,
        now: OffsetDateTime,
    ) -> Self {
        let id = UploadId::generate();
        let name = safe(&announced.filename);
        Self {
            id,
            organization_id,
            state: State::Created,
            key: format!("temp/{id}_{}_{name}", now.unix_timestamp()),
            filename: announced.filename,
            kind: announced.kind,
            size_bytes: announced.size_bytes,
            sha256: announced.sha256,
            multipart_id: None,
            candidate_id: MediaId::generate(),
            media_id: None,
            refusal: None,
            attempt: 0,
            lease_until: None,
            created_at: now,
            expires_at: now + LIFE,
        }
    }

    /// Returns the upload as it ends where its bytes are those of a media that is there.
    pub(crate) fn duplicate_of(self, media_id: MediaId) -> Self {
        Self { state: State::Duplicate, media_id: Some(media_id), ..self }
    }

    /// Whether it comes in parts.
    pub(crate) fn is_multipart(&self) -> bool {
        SINGLE < self.size_bytes
    }

    /// Returns the PUTs that bring it.
    pub(crate) fn parts(&self) -> Vec<Part> {
        if !self.is_multipart() {
            return vec![Part { number: 1, size_bytes: self.size_bytes }];
        }
        let starts = (0..self.size_bytes).step_by(usize::try_from(PART).expect("8 MiB"));
        (1..)
            .zip(starts)
            .map(|(number, start)| Part { number, size_bytes: PART.min(self.size_bytes - start) })
            .collect()
    }

    /// Returns what can be done about it now.
    pub(crate) fn standing(&self, now: OffsetDateTime) -> Standing {
        let is_leased = self.lease_until.is_some_and(|it| now < it);
        match self.state {
            State::Verifying if is_leased => Standing::Busy,
            State::Created | State::Verifying if self.expires_at <= now => Standing::Late,
            // Whoever judged it was interrupted; the next one goes on.
            State::Created | State::Verifying => Standing::Open,
            _ => Standing::Settled,
        }
    }
}

impl State {
    const ALL: [Self; 7] = [
        Self::Created,
        Self::Verifying,
        Self::Ingested,
        Self::Duplicate,
        Self::Rejected,
        Self::Aborted,
        Self::Expired,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Verifying => "verifying",
            Self::Ingested => "ingested",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::Aborted => "aborted",
            Self::Expired => "expired",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// Returns the part of a key that shows people which file it was.
fn safe(filename: &str) -> String {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() || matches!(it, '.' | '-') { it } else { '_' })
        .take(LONGEST_NAME)
        .collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

/// Returns the upload that an object under `temp/` belongs to.
pub(crate) fn owner(key: &str) -> Option<UploadId> {
    key.strip_prefix("temp/")?.split('_').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(filename: &str, size_bytes: i64) -> Upload {
        let announced =
            Announced { filename: filename.into(), kind: Kind::Png, size_bytes, sha256: None };
        Upload::new(OrganizationId::generate(), announced, OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn parts_add_up() {
        for size in [1, SINGLE - 1, SINGLE, SINGLE + 1, 3 * PART, 100 << 20] {
            let parts = upload("a.png", size).parts();
            assert_eq!(parts.iter().map(|it| it.size_bytes).sum::<i64>(), size);
            assert_eq!(parts.len() == 1, size <= SINGLE);
            assert!(parts.iter().zip(1..).all(|(it, number)| it.number == number));
        }
    }

    #[test]
    fn keys_hold_only_what_every_store_takes() {
        for (given, safe) in [
            ("a b/c d.png", "c_d.png"),
            ("../../etc/passwd", "passwd"),
            ("..", "file"),
            ("Größe \u{0}.jpg", "Gr__e__.jpg"),
            ("C:\\x.png", "x.png"),
        ] {
            let upload = upload(given, 1);
            assert_eq!(upload.key, format!("temp/{}_0_{safe}", upload.id));
            assert_eq!(owner(&upload.key), Some(upload.id));
        }
    }

    #[test]
    fn an_upload_is_open_until_it_is_late_and_busy_while_leased() {
        let mut upload = upload("a.png", 1);
        let start = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(upload.standing(start), Standing::Open);
        assert_eq!(upload.standing(start + LIFE), Standing::Late);
        upload.state = State::Verifying;
        upload.lease_until = Some(start + LIFE + Duration::minutes(1));
        assert_eq!(upload.standing(start + LIFE), Standing::Busy);
        assert_eq!(upload.standing(start + LIFE + Duration::minutes(1)), Standing::Late);
        upload.lease_until = Some(start);
        assert_eq!(upload.standing(start + Duration::minutes(1)), Standing::Open);
        for state in [State::Ingested, State::Duplicate, State::Rejected, State::Aborted] {
            upload.state = state;
            assert_eq!(upload.standing(start + LIFE), Standing::Settled);
        }
    }
}
