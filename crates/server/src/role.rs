//! What a member may do in an organization.

use std::fmt;
use std::str::FromStr;

use api::sartiq::identity::v1 as pb;
use serde::{Deserialize, Serialize};

/// What a member may do in an organization.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Owns the organization.
    Owner,
    /// Manages members, targets and settings.
    Admin,
    /// Makes products, shootings and generations.
    Editor,
    /// Approves and rejects.
    Reviewer,
    /// Looks.
    Viewer,
}

/// A word that is no role.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a role")]
pub struct ParseRoleError(String);

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 5] =
        [Self::Owner, Self::Admin, Self::Editor, Self::Reviewer, Self::Viewer];

    /// Returns the role as tokens and tables write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Reviewer => "reviewer",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let role = Self::ALL.into_iter().find(|it| it.as_str() == text);
        role.ok_or_else(|| ParseRoleError(text.to_owned()))
    }
}

impl From<Role> for pb::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
            Role::Editor => Self::Editor,
            Role::Reviewer => Self::Reviewer,
            Role::Viewer => Self::Viewer,
        }
    }
}

impl From<Role> for i32 {
    fn from(role: Role) -> Self {
        pb::Role::from(role).into()
    }
}

impl TryFrom<pb::Role> for Role {
    type Error = ParseRoleError;

    fn try_from(role: pb::Role) -> Result<Self, Self::Error> {
        match role {
            pb::Role::Unspecified => Err(ParseRoleError(role.as_str_name().to_owned())),
            pb::Role::Owner => Ok(Self::Owner),
            pb::Role::Admin => Ok(Self::Admin),
            pb::Role::Editor => Ok(Self::Editor),
            pb::Role::Reviewer => Ok(Self::Reviewer),
            pb::Role::Viewer => Ok(Self::Viewer),
        }
    }
}
