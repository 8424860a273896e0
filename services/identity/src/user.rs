//! Users, and the addresses they sign in with.

use std::fmt;

use secrecy::SecretString;
use time::OffsetDateTime;
use types::id::{OrganizationId, UserId};

use crate::name::Name;

/// A person who can sign in.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) email: Email,
    pub(crate) name: Name,
    pub(crate) password_hash: SecretString,
    pub(crate) last_organization_id: Option<OrganizationId>,
    pub(crate) created_at: OffsetDateTime,
}

/// An e-mail address. Invariant: in lower case, without blanks around it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Email(String);

impl Email {
    /// Reads an address however it was typed.
    pub(crate) fn normalized(text: &str) -> Self {
        Self(text.trim().to_ascii_lowercase())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_is_typed() {
        assert_eq!(
            Email::normalized(" Ana@Sartiq.Example "),
            Email::normalized("ana@sartiq.example")
        );
    }
}
