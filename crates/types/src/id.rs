//! Typed ids, so that a product id never travels where a look id is expected.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A string that does not name an id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not an id")]
pub struct ParseIdError(String);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
        pub struct $name(Uuid);

        impl $name {
            /// Returns a fresh id; ids sort by creation time.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Returns the id as the database and the wire know it.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self).map_err(|_| ParseIdError(text.to_owned()))
            }
        }

        // Lets the `query!` macros take and return the id where the column is a `uuid`.
        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }
    )+};
}

ids! {
    /// Identifies an API key of `identity`.
    ApiKeyId,
    /// Identifies a place where a media resource is used.
    AttachmentId,
    /// Identifies a caption of `generation`.
    CaptionId,
    /// Identifies a comment on a shot.
    CommentId,
    /// Identifies one decision about a shot.
    DecisionId,
    /// Identifies an event, once and for all who receive it.
    EventId,
    /// Identifies an export of `delivery`.
    ExportId,
    /// Identifies one picture of an export.
    ExportItemId,
    /// Identifies a generation.
    GenerationId,
    /// Identifies a guideline of `catalog`.
    GuidelineId,
    /// Identifies an import into `catalog`.
    ImportId,
    /// Identifies an invitation into an organization.
    InvitationId,
    /// Identifies a lane of `compute`: one provider, one model, one key.
    LaneId,
    /// Identifies a look of a shooting.
    LookId,
    /// Identifies a media resource.
    MediaId,
    /// Identifies an organization.
    OrganizationId,
    /// Identifies one picture that a generation made.
    PredictionId,
    /// Identifies a preset of `delivery`.
    PresetId,
    /// Identifies a product of `catalog`.
    ProductId,
    /// Identifies a session of a user.
    SessionId,
    /// Identifies a shooting.
    ShootingId,
    /// Identifies a shot of a look.
    ShotId,
    /// Identifies a shot type of `catalog`.
    ShotTypeId,
    /// Identifies a key that tokens are signed with.
    SigningKeyId,
    /// Identifies a style of `catalog`.
    StyleId,
    /// Identifies a subject (a virtual model) of `catalog`.
    SubjectId,
    /// Identifies a target that exports are delivered to.
    TargetId,
    /// Identifies a task of a workflow.
    TaskId,
    /// Identifies an upload on its way to becoming a media resource.
    UploadId,
    /// Identifies a user.
    UserId,
    /// Identifies a workflow of `compute`.
    WorkflowId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = ProductId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_sort_by_creation() {
        let ids: Vec<_> = std::iter::repeat_with(ShotId::generate).take(1000).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn other_text_names_no_id() {
        let error = "tote".parse::<ProductId>().err();
        assert_eq!(error.map(|it| it.to_string()).as_deref(), Some("`tote` is not an id"));
    }
}
