//! What can be wrong with a picture, in sentences that may be shown to the person who sent it.

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a picture or a film.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes begin like no picture that is known here.
    #[error("the file is not an image")]
    NotAnImage,

    /// The bytes begin like no film that is known here.
    #[error("the file is not an MP4 video")]
    NotAVideo,

    /// The bytes are a picture or film, of a kind that is not read here.
    #[error("{what} files are not supported; send {instead}")]
    Unsupported {
        /// The kind that was sent.
        what: &'static str,
        /// The kinds that are read.
        instead: &'static str,
    },

    /// The file ends before it is complete.
    #[error("the file is cut off before its end")]
    Truncated,

    /// The file contradicts itself.
    #[error("the file is damaged: {0}")]
    Damaged(String),

    /// The file has more bytes than allowed.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that are allowed.
        limit: u64,
    },

    /// The picture has more pixels than allowed.
    #[error("the image has more than {limit} pixels")]
    TooManyPixels {
        /// The most pixels that are allowed.
        limit: u64,
    },

    /// The picture is wider or higher than allowed.
    #[error("the image is wider or higher than {limit} pixels")]
    TooWide {
        /// The longest side that is allowed.
        limit: u32,
    },

    /// Width times height times four is not the number of bytes given, or a side is zero.
    #[error("{bytes} bytes are not a picture of {width} by {height} pixels")]
    Shape {
        /// The width that was claimed.
        width: u32,
        /// The height that was claimed.
        height: u32,
        /// The bytes that were given.
        bytes: usize,
    },

    /// The encoder refused.
    #[error("cannot encode as {kind}: {reason}")]
    Encode {
        /// The kind that was asked for.
        kind: &'static str,
        /// What the encoder said.
        reason: String,
    },
}
