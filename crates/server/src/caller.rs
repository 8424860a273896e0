//! Who is calling, proven.

use std::time::{Duration, Instant};

use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Status};
use types::id::{OrganizationId, SessionId, UserId};

use crate::fault::{Code, refusal};
use crate::span::TRACEPARENT;
use crate::{Role, Trace, trace};

/// The organization that a service acts for. Believed only beside a service's token.
pub(crate) const ORGANIZATION: &str = "x-sartiq-organization";

/// The user that a service acts for. Believed only beside a service's token.
pub(crate) const USER: &str = "x-sartiq-user";

/// What is kept back of a deadline, for the way back.
const RETURN_TRIP: Duration = Duration::from_millis(50);

/// Who is calling, as a verified token says.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The organization that is acted in. Every row that is read or written is its own.
    pub organization_id: Option<OrganizationId>,
    /// The user who calls, or for whom a service calls.
    pub user_id: Option<UserId>,
    /// The session that the user signed in with.
    pub session_id: Option<SessionId>,
    /// What the user may do in the organization. Services have none.
    pub role: Option<Role>,
    /// The name of the calling service.
    pub service: Option<String>,
    /// The id of the request, the same all the way through the mesh.
    pub request_id: String,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// The place in a trace that this call is; work that goes on later stores it.
    pub trace: Trace,
}

impl Caller {
    /// Returns the caller that work in the background acts as: nobody, for an organization.
    pub fn background(organization_id: OrganizationId) -> Self {
        Self {
            organization_id: Some(organization_id),
            request_id: trace::fresh_id(),
            ..Self::default()
        }
    }

    /// Returns this caller as a part of `trace`, in which the work was asked for.
    pub fn within(self, trace: Trace) -> Self {
        Self { trace, ..self }
    }

    /// Returns who sent `request`, if that was proven; RPCs that need no token may wonder.
    pub fn of<M>(request: &Request<M>) -> Option<&Self> {
        request.extensions().get()
    }

    /// Returns the organization that is acted in.
    pub fn organization(&self) -> Result<OrganizationId, Status> {
        self.organization_id.ok_or_else(|| match self.service {
            Some(_) => refusal(
                Code::InvalidArgument,
                "ORGANIZATION_MISSING",
                "the call does not say which organization it is for",
            ),
            None => refusal(
                Code::Unauthenticated,
                "ORGANIZATION_MISSING",
                "the token names no organization",
            ),
        })
    }

    /// Returns the user who acts.
    pub fn user(&self) -> Result<UserId, Status> {
        self.user_id.ok_or_else(|| {
            refusal(Code::Unauthenticated, "USER_MISSING", "the call does not say who acts")
        })
    }

    /// Makes a request of `message` to another service, on behalf of this caller and within what
    /// is left of its time.
    pub fn call<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        if let Some(id) = self.organization_id {
            metadata.insert(ORGANIZATION, ascii(id));
        }
        if let Some(id) = self.user_id {
            metadata.insert(USER, ascii(id));
        }
        if let Ok(id) = self.request_id.parse() {
            metadata.insert(trace::REQUEST_ID, id);
        }
        if self.trace.is_known() {
            metadata.insert(TRACEPARENT, ascii(self.trace));
        }
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            request.set_timeout(left.saturating_sub(RETURN_TRIP));
        }
        request
    }
}

fn ascii(id: impl ToString) -> AsciiMetadataValue {
    id.to_string().parse().expect("ids are plain ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_carries_who_it_is_for() -> Result<(), Status> {
        let organization = OrganizationId::generate();
        let caller = Caller {
            user_id: Some(UserId::generate()),
            deadline: Some(Instant::now() + Duration::from_secs(2)),
            ..Caller::background(organization)
        };
        let request = caller.call(());
        let text = |name| request.metadata().get(name).and_then(|it| it.to_str().ok());
        assert_eq!(text(ORGANIZATION), Some(&*organization.to_string()));
        assert_eq!(text(USER), Some(&*caller.user()?.to_string()));
        assert_eq!(text("x-request-id"), Some(&*caller.request_id));
        assert!(text("grpc-timeout").is_some());
        Ok(())
    }

    #[test]
    fn a_spent_deadline_leaves_nothing() {
        let caller = Caller { deadline: Some(Instant::now()), ..Caller::default() };
        let request = caller.call(());
        assert_eq!(
            request.metadata().get("grpc-timeout").map(|it| it.as_bytes()),
            Some(&b"0n"[..])
        );
    }

    #[test]
    fn nobody_acts_in_no_organization() {
        let user = Caller::default().organization().err().map(|it| it.code());
        assert_eq!(user, Some(tonic::Code::Unauthenticated));
        let service = Caller { service: Some("media".into()), ..Caller::default() };
        let service = service.organization().err().map(|it| it.code());
        assert_eq!(service, Some(tonic::Code::InvalidArgument));
    }
}
