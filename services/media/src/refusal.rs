//! Why a file is refused: a word for programs, a sentence for people.

use pixels::{Error, Kind};

/// Why a file is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    // Names the limit that was broken.
    pub(crate) message: String,
}

/// Why a file is refused, in a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    NotAPicture,
    Truncated,
    TooManyPixels,
    TooLarge,
    TypeMismatch,
    ChecksumMismatch,
    SizeMismatch,
}

impl Reason {
    pub(crate) const ALL: [Self; 7] = [
        Self::NotAPicture,
        Self::Truncated,
        Self::TooManyPixels,
        Self::TooLarge,
        Self::TypeMismatch,
        Self::ChecksumMismatch,
        Self::SizeMismatch,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotAPicture => "NOT_A_PICTURE",
            Self::Truncated => "TRUNCATED",
            Self::TooManyPixels => "TOO_MANY_PIXELS",
            Self::TooLarge => "TOO_LARGE",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::ChecksumMismatch => "CHECKSUM_MISMATCH",
            Self::SizeMismatch => "SIZE_MISMATCH",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

impl Refusal {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The decoder gave up in a way that nobody foresaw.
    pub(crate) fn undecodable() -> Self {
        Self::new(Reason::NotAPicture, "the file is damaged: it cannot be decoded")
    }

    pub(crate) fn size(declared: i64, actual: i64) -> Self {
        let message = format!("the file has {actual} bytes; {declared} were declared");
        Self::new(Reason::SizeMismatch, message)
    }

    pub(crate) fn size_limit(limit: u64, actual: i64) -> Self {
        let message = format!("the file has {actual} bytes; at most {limit} are allowed");
        Self::new(Reason::TooLarge, message)
    }

    pub(crate) fn checksum() -> Self {
        let message = "the SHA-256 of the file is not the one that was declared";
        Self::new(Reason::ChecksumMismatch, message)
    }

    pub(crate) fn kind(declared: Kind, actual: Kind) -> Self {
        let message = format!("the file is {actual}; {declared} was declared");
        Self::new(Reason::TypeMismatch, message)
    }

    pub(crate) fn not_a_picture() -> Self {
        let message = "the file is neither PNG, JPEG, WebP, GIF nor MP4";
        Self::new(Reason::NotAPicture, message)
    }

    pub(crate) fn sides(limit: u32) -> Self {
        let message = format!("the film is wider or higher than {limit} pixels");
        Self::new(Reason::TooManyPixels, message)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let reason = match error {
            Error::Truncated => Reason::Truncated,
            Error::TooLarge { .. } => Reason::TooLarge,
            Error::TooManyPixels { .. } | Error::TooWide { .. } => Reason::TooManyPixels,
            _ => Reason::NotAPicture,
        };
        Self::new(reason, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_the_limit() {
        let refusal = Refusal::from(Error::TooManyPixels { limit: 100_000_000 });
        assert_eq!(refusal.reason, Reason::TooManyPixels);
        assert!(refusal.message.contains("100000000"));
        assert!(Refusal::size_limit(7, 8).message.contains("at most 7"));
        assert!(Refusal::sides(20_000).message.contains("20000"));
    }

    #[test]
    fn reasons_survive_their_names() {
        for reason in Reason::ALL {
            assert_eq!(Reason::named(reason.as_str()), Some(reason));
        }
    }
}
