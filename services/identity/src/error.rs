//! What can go wrong in identity.

use std::time::Duration;

use server::{Code, Fault, Role};
use tonic::Status;
use types::PageTokenError;
use types::id::{OrganizationId, ParseIdError, SessionId, SigningKeyId, UserId};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("`{field}` {sentence}")]
    Field { field: &'static str, sentence: &'static str },
    #[error(transparent)]
    MalformedId(#[from] ParseIdError),
    #[error(transparent)]
    PageToken(#[from] PageTokenError),

    #[error("the address or the password is wrong")]
    InvalidCredentials,
    #[error("too many attempts; try again later")]
    TooManyAttempts(Duration),
    #[error("too many people are signing in at once; try again in a moment")]
    SignInBusy,
    #[error("an account with the address `{0}` already exists")]
    EmailTaken(String),
    #[error("the refresh token is not valid")]
    RefreshTokenInvalid,
    #[error("the refresh token was used before, so its session is revoked; sign in again")]
    RefreshTokenReused,
    #[error("the session was revoked; sign in again")]
    SessionRevoked,
    #[error("the session has expired; sign in again")]
    SessionExpired,
    #[error("the name or the key of the service is wrong")]
    ServiceKeyInvalid,
    #[error("only a signed-in user may do this")]
    UserMissing,
    #[error("the call does not say which organization it is for")]
    OrganizationMissing,

    #[error("your role does not allow this")]
    AccessDenied,
    #[error("only an {0} may grant or change the role {0}")]
    RoleAboveOwn(Role),
    #[error("the last owner cannot leave or become less")]
    LastOwner,
    #[error("`{0}` is a member already")]
    AlreadyMember(String),
    #[error("the invitation is for another address")]
    InvitationNotYours,
    #[error("the invitation was accepted before")]
    InvitationUsed,
    #[error("the invitation has expired")]
    InvitationExpired,
    #[error("no such invitation")]
    InvitationNotFound,
    #[error("organization {0} does not exist")]
    OrganizationNotFound(OrganizationId),
    #[error("user {0} is no member")]
    MemberNotFound(UserId),
    #[error("session {0} does not exist")]
    SessionNotFound(SessionId),

    #[error(transparent)]
    Replay(#[from] pg::replay::Error),
    #[error("no key signs now")]
    SigningKeyMissing,
    #[error("signing key {0} does not open; is KEY_SECRET the one that it was made with?")]
    SigningKeySealed(SigningKeyId),
    #[error("sign")]
    Sign(#[from] jsonwebtoken::errors::Error),
    #[error("hash: {0}")]
    Hash(argon2::password_hash::Error),
    #[error("stored value: {0}")]
    Stored(String),
    #[error("task")]
    Task(#[from] tokio::task::JoinError),
    #[error("store")]
    Store(#[from] sqlx::Error),
}

impl Fault for Error {
    fn code(&self) -> Code {
        match self {
            Self::Field { .. } | Self::MalformedId(_) | Self::PageToken(_) => Code::InvalidArgument,
            Self::InvalidCredentials
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReused
            | Self::SessionRevoked
            | Self::SessionExpired
            | Self::ServiceKeyInvalid
            | Self::UserMissing
            | Self::OrganizationMissing => Code::Unauthenticated,
            Self::TooManyAttempts(_) | Self::SignInBusy => Code::ResourceExhausted,
            Self::EmailTaken(_) | Self::AlreadyMember(_) => Code::AlreadyExists,
            Self::AccessDenied | Self::RoleAboveOwn(_) | Self::InvitationNotYours => {
                Code::PermissionDenied
            }
            Self::LastOwner | Self::InvitationUsed | Self::InvitationExpired => {
                Code::FailedPrecondition
            }
            Self::InvitationNotFound
            | Self::OrganizationNotFound(_)
            | Self::MemberNotFound(_)
            | Self::SessionNotFound(_) => Code::NotFound,
            Self::Replay(error) => error.code(),
            Self::Store(error) if pg::is_transient(error) => Code::Unavailable,
            Self::SigningKeyMissing => Code::Unavailable,
            Self::SigningKeySealed(_)
            | Self::Sign(_)
            | Self::Hash(_)
            | Self::Stored(_)
            | Self::Task(_)
            | Self::Store(_) => Code::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Field { .. } | Self::MalformedId(_) => "FIELD_INVALID",
            Self::PageToken(_) => "PAGE_TOKEN_INVALID",
            Self::InvalidCredentials => "INVALID_CREDENTIALS",
            Self::TooManyAttempts(_) => "TOO_MANY_ATTEMPTS",
            Self::SignInBusy => "SIGN_IN_BUSY",
            Self::EmailTaken(_) => "EMAIL_TAKEN",
            Self::RefreshTokenInvalid => "REFRESH_TOKEN_INVALID",
            Self::RefreshTokenReused => "REFRESH_TOKEN_REUSED",
            Self::SessionRevoked => "SESSION_REVOKED",
            Self::SessionExpired => "SESSION_EXPIRED",
            Self::ServiceKeyInvalid => "SERVICE_KEY_INVALID",
            Self::UserMissing => "USER_MISSING",
            Self::OrganizationMissing => "ORGANIZATION_MISSING",
            Self::AccessDenied => "ACCESS_DENIED",
            Self::RoleAboveOwn(_) => "ROLE_ABOVE_OWN",
            Self::LastOwner => "LAST_OWNER",
            Self::AlreadyMember(_) => "ALREADY_MEMBER",
            Self::InvitationNotYours => "INVITATION_NOT_YOURS",
            Self::InvitationUsed => "INVITATION_USED",
            Self::InvitationExpired => "INVITATION_EXPIRED",
            Self::InvitationNotFound => "INVITATION_NOT_FOUND",
            Self::OrganizationNotFound(_) => "ORGANIZATION_NOT_FOUND",
            Self::MemberNotFound(_) => "MEMBER_NOT_FOUND",
            Self::SessionNotFound(_) => "SESSION_NOT_FOUND",
            Self::Replay(error) => error.reason(),
            Self::Store(error) if pg::is_transient(error) => "STORE_UNAVAILABLE",
            Self::SigningKeyMissing => "KEYS_UNKNOWN",
            Self::SigningKeySealed(_)
            | Self::Sign(_)
            | Self::Hash(_)
            | Self::Stored(_)
            | Self::Task(_)
            | Self::Store(_) => "INTERNAL",
        }
    }

    fn fields(&self) -> Vec<(String, String)> {
        match self {
            Self::Field { field, sentence } => {
                vec![((*field).to_owned(), (*sentence).to_owned())]
            }
            Self::MalformedId(_) => vec![("id".to_owned(), "must be a UUID".to_owned())],
            Self::PageToken(error) => vec![("page_token".to_owned(), error.to_string())],
            Self::Replay(error) => error.fields(),
            _ => Vec::new(),
        }
    }

    fn metadata(&self) -> std::collections::HashMap<String, String> {
        match self {
            Self::Replay(error) => error.metadata(),
            _ => std::collections::HashMap::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts(left) => Some(*left),
            Self::SignInBusy => Some(Duration::from_secs(1)),
            Self::SigningKeyMissing => Some(Duration::from_millis(500)),
            Self::Store(error) if pg::is_transient(error) => Some(Duration::from_millis(500)),
            _ => None,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        server::status(&error)
    }
}

#[cfg(test)]
mod tests;
