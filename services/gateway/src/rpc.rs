//! What the gateway answers by itself.

use std::pin::Pin;
use std::time::Duration;

use api::sartiq::event::v1::event_service_server::EventService;
use api::sartiq::event::v1::*;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::event::{self, Subscription};
use crate::{Gateway, hub};

/// How many messages wait for one subscriber before the hub's own buffer fills.
const QUEUE: usize = 32;
/// How long a poll waits for the first event.
const POLL: Duration = Duration::from_secs(20);

#[tonic::async_trait]
impl EventService for Gateway {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let header = request.metadata().get("authorization").and_then(|it| it.to_str().ok());
        let token = header.and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
        let (caller, request) = server::open(request)?;
        let organization = caller.organization()?;
        // Listening begins before the past is read, so that nothing falls in between.
        let live = self.hub.listen(organization);
        let cursor = event::stand(&self.hub, &request.cursor).await?;
        let (out, stream) = mpsc::channel(QUEUE);
        // Ages differ a little, so that not everybody comes back at once.
        let age = self.stream_age.mul_f64(rand::random_range(0.9..=1.1));
        let end = Instant::now() + age;
        let mesh = self.mesh.clone();
        let subscription = Subscription { organization, cursor, live, out, end, mesh, token };
        let (hub, shutdown) = (self.hub.clone(), self.mesh.shutdown());
        self.mesh.spawn("subscription", async move {
            tokio::select! {
                () = shutdown.cancelled() => (),
                () = subscription.run(&hub) => (),
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn poll(&self, request: Request<PollRequest>) -> Result<Response<PollResponse>, Status> {
        let (caller, request) = server::open(request)?;
        let organization = caller.organization()?;
        let mut live = self.hub.listen(organization);
        let mut cursor = event::stand(&self.hub, &request.cursor).await?;
        let limit = match request.page_size {
            0 => 100,
            n => usize::try_from(n.min(500)).unwrap_or(100),
        };
        if request.cursor.is_empty() {
            return Ok(Response::new(PollResponse { events: Vec::new(), cursor: cursor.encode() }));
        }
        let patience = caller.deadline.map_or(POLL, |it| {
            POLL.min(it.saturating_duration_since(std::time::Instant::now()) / 2)
        });
        let end = Instant::now() + patience;
        loop {
            let mut events = Vec::new();
            for source in hub::SOURCES {
                event::fill(&self.hub, organization, source, &mut cursor, &mut events, limit)
                    .await?;
            }
            let is_late = tokio::select! {
                () = tokio::time::sleep_until(end) => true,
                () = self.mesh.shutdown().cancelled_owned() => true,
                _ = live.recv(), if events.is_empty() => false,
                () = std::future::ready(()), if !events.is_empty() => true,
            };
            if is_late || !events.is_empty() {
                return Ok(Response::new(PollResponse { events, cursor: cursor.encode() }));
            }
        }
    }
}
