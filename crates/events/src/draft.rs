//! Events before they have a position.

use api::sartiq::event::v1::Event;
use api::sartiq::event::v1::event::Payload;
use prost::Message;
use server::Caller;
use time::OffsetDateTime;
use types::id::{EventId, OrganizationId};

/// An event that is about to be published.
#[derive(Clone, Debug)]
pub struct Draft(Event);

impl Draft {
    /// Says that `payload` happened in `organization` just now.
    pub fn new(organization: OrganizationId, payload: Payload) -> Self {
        Self(Event {
            id: EventId::generate().to_string(),
            organization_id: organization.to_string(),
            time: Some(server::timestamp(OffsetDateTime::now_utc())),
            payload: Some(payload),
            ..Event::default()
        })
    }

    /// Says who caused it.
    #[must_use]
    pub fn caused_by(mut self, caller: &Caller) -> Self {
        self.0.user_id = caller.user_id.map(|it| it.to_string()).unwrap_or_default();
        self.0.request_id.clone_from(&caller.request_id);
        self
    }

    /// Returns the row of an outbox that it is, for statements that write more than events. Whoever has
    /// committed one pokes the [`Outbox`](crate::Outbox).
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    pub(crate) fn into_event(self, source: &str) -> Event {
        Event { source: source.to_owned(), ..self.0 }
    }
}
