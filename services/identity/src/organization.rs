//! Organizations, and what their members may do to each other.

use server::Role;
use time::OffsetDateTime;
use types::id::{InvitationId, OrganizationId, UserId};

use crate::error::{Error, Result};
use crate::name::Name;
use crate::user::Email;

/// How long an invitation waits to be accepted.
pub(crate) const INVITATION_LIFE: time::Duration = time::Duration::days(7);

/// A brand, which owns everything that is made in it.
#[derive(Clone, Debug)]
pub(crate) struct Organization {
    pub(crate) id: OrganizationId,
    pub(crate) name: Name,
    pub(crate) created_at: OffsetDateTime,
}

/// Where a user acts, and as what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Membership {
    pub(crate) organization_id: OrganizationId,
    pub(crate) role: Role,
}

/// A user, as other members see one.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) user_id: UserId,
    pub(crate) email: Email,
    pub(crate) name: Name,
    pub(crate) role: Role,
    pub(crate) created_at: OffsetDateTime,
}

/// A place that is offered to one person.
#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    pub(crate) id: InvitationId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) email: Email,
    pub(crate) role: Role,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) is_accepted: bool,
}

impl Invitation {
    /// Checks that the owner of `email` may accept at `now`.
    pub(crate) fn admit(&self, email: &Email, now: OffsetDateTime) -> Result<()> {
        if self.email != *email {
            return Err(Error::InvitationNotYours);
        }
        if self.is_accepted {
            return Err(Error::InvitationUsed);
        }
        if self.expires_at <= now {
            return Err(Error::InvitationExpired);
        }
        Ok(())
    }
}

/// Checks that a member with role `own` may hand out `role`.
pub(crate) fn may_grant(own: Role, role: Role) -> Result<()> {
    if !matches!(own, Role::Owner | Role::Admin) {
        return Err(Error::AccessDenied);
    }
    if rank(own) < rank(role) {
        return Err(Error::RoleAboveOwn(role));
    }
    Ok(())
}

/// Checks that an organization with `n_owners` keeps one when an owner becomes `next`, or leaves.
pub(crate) fn keeps_an_owner(n_owners: i64, current: Role, next: Option<Role>) -> Result<()> {
    if current == Role::Owner && next != Some(Role::Owner) && n_owners <= 1 {
        return Err(Error::LastOwner);
    }
    Ok(())
}

fn rank(role: Role) -> u8 {
    match role {
        Role::Owner => 4,
        Role::Admin => 3,
        Role::Editor => 2,
        Role::Reviewer => 1,
        Role::Viewer => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_hands_out_more_than_they_have() {
        for own in Role::ALL {
            for role in Role::ALL {
                let is_allowed = match own {
                    Role::Owner => true,
                    Role::Admin => role != Role::Owner,
                    _ => false,
                };
                assert_eq!(may_grant(own, role).is_ok(), is_allowed, "{own} grants {role}");
            }
        }
    }

    #[test]
    fn the_last_owner_stays() {
        assert!(keeps_an_owner(1, Role::Owner, None).is_err());
        assert!(keeps_an_owner(1, Role::Owner, Some(Role::Admin)).is_err());
        assert!(keeps_an_owner(1, Role::Owner, Some(Role::Owner)).is_ok());
        assert!(keeps_an_owner(2, Role::Owner, None).is_ok());
        assert!(keeps_an_owner(1, Role::Admin, None).is_ok());
    }

    #[test]
    fn an_invitation_is_for_one_person_once_and_not_for_ever() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let (ana, bob) = (Email::normalized("ana@a.example"), Email::normalized("bob@b.example"));
        let invitation = Invitation {
            id: InvitationId::generate(),
            organization_id: OrganizationId::generate(),
            email: ana.clone(),
            role: Role::Editor,
            expires_at: now + INVITATION_LIFE,
            is_accepted: false,
        };
        assert!(invitation.admit(&ana, now).is_ok());
        assert!(matches!(invitation.admit(&bob, now), Err(Error::InvitationNotYours)));
        let late = invitation.admit(&ana, now + INVITATION_LIFE);
        assert!(matches!(late, Err(Error::InvitationExpired)));
        let used = Invitation { is_accepted: true, ..invitation }.admit(&ana, now);
        assert!(matches!(used, Err(Error::InvitationUsed)));
    }
}
