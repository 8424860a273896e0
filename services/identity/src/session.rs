//! Sessions: how long they live, and what each refresh token is good for.

mod refresh_token;

use time::{Duration, OffsetDateTime};
use types::id::{OrganizationId, SessionId, UserId};

pub(crate) use refresh_token::RefreshToken;

use crate::secret::Secret;

/// How long a session lives that nobody refreshes.
pub(crate) const IDLE_LIFE: Duration = Duration::days(30);

/// How long a session lives, however often it is refreshed.
pub(crate) const LONGEST_LIFE: Duration = Duration::days(90);

/// How long a used token still answers with its successor, for who lost that answer.
pub(crate) const GRACE: Duration = Duration::seconds(10);

/// One sign-in of a user on one device.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) device: String,
    pub(crate) generation: i64,
    pub(crate) token_hash: Vec<u8>,
    pub(crate) previous_hash: Option<Vec<u8>>,
    pub(crate) rotated_at: Option<OffsetDateTime>,
    pub(crate) skipped_generation: Option<i64>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) refreshed_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) is_revoked: bool,
}

/// What a refresh token is good for.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It was the current one: its successor is.
    Rotate(RefreshToken),
    /// It was used a moment ago and the answer got lost: this is the same successor.
    Repeat(RefreshToken),
    /// It was used before: somebody has a copy.
    Reused,
    /// It was replaced before anybody used it.
    Replaced,
    /// The session has ended.
    Revoked,
    /// The session was left alone for too long.
    Expired,
}

/// Why a session was revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Revocation {
    /// The user signed out.
    Logout,
    /// The user ended it from the list of sessions.
    Revoked,
    /// A refresh token of it was used twice.
    Reuse,
    /// The user's role changed.
    RoleChanged,
    /// The user was removed from the organization.
    Removed,
}

impl Revocation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Reuse => "reuse",
            Self::RoleChanged => "role_changed",
            Self::Removed => "removed",
        }
    }
}

impl Session {
    /// Opens a session at `now` whose first refresh token is `token`.
    pub(crate) fn open(
        id: SessionId,
        user_id: UserId,
        organization_id: Option<OrganizationId>,
        device: String,
        token: &RefreshToken,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            user_id,
            organization_id,
            device,
            generation: token.generation(),
            token_hash: token.hash().to_vec(),
            previous_hash: None,
            rotated_at: None,
            skipped_generation: None,
            created_at: now,
            refreshed_at: now,
            expires_at: now + IDLE_LIFE,
            is_revoked: false,
        }
    }

    /// Says what `token`, which identity made for this session, is good for at `now`.
    pub(crate) fn judge(
        &self,
        secret: &Secret,
        token: &RefreshToken,
        now: OffsetDateTime,
    ) -> Verdict {
        if self.is_revoked {
            return Verdict::Revoked;
        }
        if self.expires_at <= now {
            return Verdict::Expired;
        }
        let hash = token.hash();
        if self.token_hash == hash {
            return Verdict::Rotate(token.successor(secret));
        }
        let is_previous = self.previous_hash.as_deref() == Some(&hash);
        let is_recent = self.rotated_at.is_some_and(|it| now <= it + GRACE);
        if is_previous && is_recent {
            let successor = token.successor(secret);
            // They differ only where the secret has changed in between.
            return match self.token_hash == successor.hash() {
                true => Verdict::Repeat(successor),
                false => Verdict::Replaced,
            };
        }
        if self.skipped_generation == Some(token.generation()) {
            return Verdict::Replaced;
        }
        Verdict::Reused
    }

    /// Goes on with `token`, after the current one was used at `now`.
    pub(crate) fn rotate(&mut self, token: &RefreshToken, now: OffsetDateTime) {
        let previous = std::mem::replace(&mut self.token_hash, token.hash().to_vec());
        self.previous_hash = Some(previous);
        self.rotated_at = Some(now);
        self.go_on(token, now);
    }

    /// Goes on with `token` in another organization; the current one is void unused.
    pub(crate) fn switch(
        &mut self,
        organization_id: OrganizationId,
        token: &RefreshToken,
        now: OffsetDateTime,
    ) {
        self.organization_id = Some(organization_id);
        self.skipped_generation = Some(self.generation);
        self.token_hash = token.hash().to_vec();
        // The token before must not lead to one that was replaced.
        self.previous_hash = None;
        self.go_on(token, now);
    }

    fn go_on(&mut self, token: &RefreshToken, now: OffsetDateTime) {
        self.generation = token.generation();
        self.refreshed_at = now;
        self.expires_at = (now + IDLE_LIFE).min(self.created_at + LONGEST_LIFE);
    }
}

#[cfg(test)]
mod tests;
