//! One attempt at its provider: submitted once, followed to its end, resumed when its stream is lost.

use std::pin::Pin;
use std::time::Duration;

use api::sartiq::event::v1::TaskProgress;
use api::sartiq::provider::v1 as pb;
use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use api::sartiq::provider::v1::run_event::Event;
use bytes::Bytes;
use events::Progress;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt};
use server::{Caller, Span, Trace};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tonic::Status;
use types::id::OrganizationId;

use super::metric;
use super::outcome::{self, Cause, Outcome, failure};
use super::progress::Teller;
use super::providers::{Client, capability_of};
use crate::store::signal::Signal;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How long a stream may take to end once its run has.
const LEAVE: Duration = Duration::from_secs(1);

/// What happens to the owner.
#[derive(Debug)]
pub(super) enum Input {
    /// Workflows were accepted or cancelled.
    Told(Vec<Signal>),
    /// A provider took a run. The runner goes on once that is durable and answered with `true`.
    Accepted { attempt: Attempt, handle: pb::RunAccepted, go_on: oneshot::Sender<bool> },
    /// A provider works on a run.
    Awaiting(Attempt),
    /// A run ended. With a handle, the provider took it and ended it in one breath.
    Ended { attempt: Attempt, handle: Option<pb::RunAccepted>, outcome: Outcome },
}

/// Names an attempt.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Attempt {
    pub(super) task: i64,
    pub(super) number: i32,
}

/// What a runner is to do.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) attempt: Attempt,
    pub(super) run_id: String,
    pub(super) organization: OrganizationId,
    /// Where in a trace the workflow was asked for.
    pub(super) trace: Trace,
    pub(super) input: pb::RunInput,
    /// What the provider gave when it took the run. With it nothing is submitted.
    pub(super) resume_token: Option<Bytes>,
    pub(super) deadline: Instant,
    /// How much longer than its time a run may take to say so itself.
    pub(super) grace: Duration,
    pub(super) about: TaskProgress,
}

/// Follows a run to its end, and tells the owner.
pub(super) async fn run(
    mut order: Order,
    client: Client,
    inputs: mpsc::Sender<Input>,
    progress: Progress,
) {
    let (attempt, started) = (order.attempt, Instant::now());
    let capability = capability_of(&order.input);
    let mut span = Span::begin("attempt", order.trace);
    span.note("run.id", order.run_id.clone());
    span.note("task.node", order.about.node.clone());
    span.note("provider", order.about.provider.clone());
    span.note("attempt.is_resumed", order.resume_token.is_some());
    order.trace = span.trace();
    let teller = Teller::new(progress, order.organization, order.about.clone());
    let token = order.resume_token.clone();
    let mut runner =
        Runner { order, client, inputs, teller, token, handle: None, is_awaited: false };
    if let Some(outcome) = span.cover(runner.follow()).await {
        metric::attempted(capability, outcome.name(), started.elapsed());
        if !matches!(outcome, Outcome::Completed(_)) {
            span.fail(outcome.name());
        }
        drop(span);
        let handle = runner.handle;
        let _ = runner.inputs.send(Input::Ended { attempt, handle, outcome }).await;
    }
}

struct Runner {
    order: Order,
    client: Client,
    inputs: mpsc::Sender<Input>,
    teller: Teller,
    token: Option<Bytes>,
    /// What the provider gave together with the end.
    handle: Option<pb::RunAccepted>,
    is_awaited: bool,
}

/// Why a stream is not followed any more.
enum Stop {
    /// The run ended.
    Ended(Outcome),
    /// The stream did, and the run did not.
    Lost,
    /// Nobody wants to know any more.
    Unwanted,
}

impl Runner {
    async fn follow(&mut self) -> Option<Outcome> {
        let mut pause = FIRST_PAUSE;
        loop {
            // What was out of reach when its time passed gets a moment to say how it ended.
            let limit = self.order.deadline.max(Instant::now()) + self.order.grace;
            let stream = match tokio::time::timeout_at(limit, self.open(limit)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(status)) if self.token.is_none() => {
                    return Some(outcome::before_accepted(&status));
                }
                Ok(Err(status)) => match outcome::while_following(&status) {
                    Some(outcome) => return Some(outcome),
                    None => {
                        tokio::time::sleep(pause).await;
                        pause = (2 * pause).min(LONGEST_PAUSE);
                        continue;
                    }
                },
                Err(_) if self.token.is_none() => return Some(self.overdue()),
                Err(_) => continue,
            };
            match self.read(stream, limit).await {
                Stop::Ended(outcome) => return Some(outcome),
                Stop::Unwanted => return None,
                Stop::Lost => {
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn open(
        &mut self,
        limit: Instant,
    ) -> Result<BoxStream<'static, Result<Option<pb::RunEvent>, Status>>, Status> {
        let caller = Caller::background(self.order.organization).within(self.order.trace);
        let (run_id, organization_id) =
            (self.order.run_id.clone(), self.order.organization.to_string());
        let now = Instant::now();
        let left = self.order.deadline.saturating_duration_since(now);
        // An adapter that is asked for less than this could not even look.
        let timeout = Some(left.max(self.order.grace / 2));
        let timeout = timeout.and_then(|it| prost_types::Duration::try_from(it).ok());
        let input = Some(self.order.input.clone());
        if let Some(resume_token) = self.token.clone() {
            let message =
                pb::ResumeRequest { run_id, organization_id, resume_token, input, timeout };
            let mut request = caller.call(message);
            request.set_timeout(limit - now + self.order.grace);
            let stream = self.client.resume(request).await?.into_inner();
            Ok(stream.map(|it| it.map(|it| it.event)).boxed())
        } else {
            let message = pb::RunRequest { run_id, organization_id, input, timeout };
            let mut request = caller.call(message);
            request.set_timeout(limit - now + self.order.grace);
            let stream = self.client.run(request).await?.into_inner();
            Ok(stream.map(|it| it.map(|it| it.event)).boxed())
        }
    }

    async fn read(
        &mut self,
        stream: BoxStream<'static, Result<Option<pb::RunEvent>, Status>>,
        limit: Instant,
    ) -> Stop {
        let mut stream = stream.peekable();
        loop {
            let message = tokio::select! {
                message = stream.next() => message,
                () = self.teller.due() => continue,
                () = tokio::time::sleep_until(limit) => return Stop::Ended(self.overdue()),
            };
            let event = match (message, self.token.is_some()) {
                (Some(Ok(event)), _) => event.and_then(|it| it.event),
                (Some(Err(status)), false) => {
                    return Stop::Ended(outcome::before_accepted(&status));
                }
                (Some(Err(status)), true) => {
                    return outcome::while_following(&status).map_or(Stop::Lost, Stop::Ended);
                }
                (None, true) => return Stop::Lost,
                (None, false) => {
                    let message = "the adapter ended without an answer";
                    let failure =
                        failure(Code::Protocol, Retry::SameRequest, Scope::Request, message);
                    return Stop::Ended(Outcome::Doubt(failure, Cause::Adapter));
                }
            };
            if let (Some(Event::Accepted(handle)), None) = (&event, &self.token)
                && let Some(Some(Ok(Some(next)))) = Pin::new(&mut stream).peek().now_or_never()
                && let Some(end @ Event::Completed(_)) = &next.event
            {
                // The end is there as well: both are written as one.
                self.handle = Some(handle.clone());
                if let Some(stop) = self.learn(Some(end.clone())).await {
                    leave(stream);
                    return stop;
                }
            }
            if let Some(stop) = self.learn(event).await {
                if matches!(stop, Stop::Ended(_)) {
                    leave(stream);
                }
                return stop;
            }
        }
    }

    async fn learn(&mut self, event: Option<Event>) -> Option<Stop> {
        match event {
            Some(Event::Accepted(handle)) if self.token.is_none() => {
                // Nothing else is read before the handle is durable.
                let token = handle.resume_token.clone();
                let (go_on, answer) = oneshot::channel();
                let attempt = self.order.attempt;
                let input = Input::Accepted { attempt, handle, go_on };
                if self.inputs.send(input).await.is_err() || !answer.await.unwrap_or(false) {
                    return Some(Stop::Unwanted);
                }
                self.token = Some(token);
                None
            }
            // A stream that was resumed begins anew, or an adapter says something newer than we know.
            Some(Event::Accepted(_)) | None => None,
            Some(Event::Queued(queued)) => {
                self.awaited().await;
                let position = queued.position.and_then(|it| i32::try_from(it).ok());
                self.teller.note(|it| it.queue_position = position);
                None
            }
            Some(Event::Progress(progress)) => {
                self.awaited().await;
                self.teller.note(|it| {
                    it.queue_position = None;
                    let percent = progress.percent.and_then(|it| i32::try_from(it.min(100)).ok());
                    it.percent = it.percent.max(percent);
                    it.message = progress.message;
                });
                None
            }
            Some(Event::Completed(completed)) => {
                if completed.outputs.is_empty() {
                    let message = "the provider made nothing";
                    let failure =
                        failure(Code::NoOutput, Retry::SameRequest, Scope::Request, message);
                    return Some(Stop::Ended(Outcome::Failed(failure)));
                }
                Some(Stop::Ended(Outcome::Completed(completed)))
            }
            Some(Event::Failed(failure)) => Some(Stop::Ended(Outcome::Failed(failure))),
        }
    }

    async fn awaited(&mut self) {
        if !self.is_awaited && self.token.is_some() {
            self.is_awaited = true;
            let _ = self.inputs.send(Input::Awaiting(self.order.attempt)).await;
        }
    }

    fn overdue(&self) -> Outcome {
        let message = "the provider did not end in time";
        let failure = failure(Code::Timeout, Retry::SameRequest, Scope::Model, message);
        match self.token {
            Some(_) => Outcome::Overdue(failure),
            None => Outcome::Doubt(failure, Cause::Adapter),
        }
    }
}

/// Reads the rest of a stream whose run has ended. Otherwise it would be cancelled, and who stands between
/// us and the adapter may end a connection on which much is cancelled, with all runs on it.
fn leave(mut stream: impl Stream + Send + Unpin + 'static) {
    if !matches!(stream.next().now_or_never(), Some(None)) {
        let rest = async move { while stream.next().await.is_some() {} };
        tokio::spawn(tokio::time::timeout(LEAVE, rest));
    }
}
