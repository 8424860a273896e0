//! One run, from its request to its last event.
//!
//! Each phase can be left at any moment but one: while a submission is on its way nothing
//! interrupts it, because an answer that nobody waits for is a paid run that nobody knows.

use std::time::Duration;

use api::sartiq::provider::v1 as pb;
use api::sartiq::provider::v1::run_event::Event;
use server::{Caller, Span};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tonic::Status;

use crate::error::Error;
use crate::failure::{Code, Failure, Result};
use crate::feed::{Feed, Gone};
use crate::model::{Model, money};
use crate::order::Order;
use crate::pace::Pace;
use crate::register::Submitted;
use crate::rpc::Inner;
use crate::snap::snap;
use crate::task::Prepared;
use crate::{Accepted, Cancelled, Provider, State, Success, cost, input, output, token};

/// How long the vendor may take to answer one question.
const QUESTION: Duration = Duration::from_secs(30);

/// How long outputs may take to arrive, once they are there.
const TRANSFER: Duration = Duration::from_secs(5 * 60);

/// How long outputs may still take to arrive once the process is told to stop.
const GRACE: Duration = Duration::from_secs(6);

/// How often a vendor may say that it does not know a run before it is believed: some take a moment
/// until every one of their machines knows.
const DENIALS: u32 = 3;

/// How often the same answer may be beyond reading before it is believed to stay so.
const MOST_GARBLED: u32 = 5;

/// A run to be followed.
#[derive(Debug)]
pub(crate) struct Run<J> {
    /// Whom it is for.
    pub(crate) caller: Caller,
    pub(crate) id: String,
    pub(crate) order: Order,
    /// What it was asked for with, byte by byte.
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) origin: Origin<J>,
    pub(crate) timeout: Duration,
}

/// Where a run begins.
#[derive(Debug)]
pub(crate) enum Origin<J> {
    /// It is to be submitted.
    New,
    /// The vendor took it before.
    Accepted(Accepted<J>),
}

/// Why a run is followed no further.
#[derive(Debug)]
enum Halt {
    /// It failed.
    Failed(Box<Failure>),
    /// It goes on, but not here.
    Refused(Error),
    /// Nobody asks any more.
    Gone,
}

/// Follows `run` and tells `feed` until the run ends or is followed no further.
pub(crate) async fn follow<P: Provider>(inner: &Inner<P>, run: Run<P::Job>, mut feed: Feed) {
    let id = run.id.clone();
    let told = match walk(inner, run, &mut feed).await {
        Ok(completed) => feed.tell(Event::Completed(completed)).await,
        Err(Halt::Failed(failure)) => {
            tracing::info!(run.id = %id, failure = ?failure, "run failed");
            feed.tell(Event::Failed((*failure).into())).await
        }
        Err(Halt::Refused(error)) => feed.refuse(Status::from(error)).await,
        Err(Halt::Gone) => Err(Gone),
    };
    if told.is_err() {
        tracing::info!(run.id = %id, "caller gone, run left to itself");
    }
}

async fn walk<P: Provider>(
    inner: &Inner<P>,
    run: Run<P::Job>,
    feed: &mut Feed,
) -> Result<pb::RunCompleted, Halt> {
    let deadline = Instant::now() + run.timeout;
    let model = inner.model(&run.order).ok_or_else(|| {
        Failure::new(Code::NotFound, format!("there is no model `{}`", run.order.model))
    })?;
    let (prepared, adjustments) = snap(model, run.id.clone(), run.order)?;
    let mut references = Vec::new();
    let accepted = match run.origin {
        Origin::Accepted(accepted) => {
            tell_accepted::<P>(feed, &accepted, adjustments).await?;
            accepted
        }
        Origin::New => {
            let entry = inner.register.entry(&run.id, &run.fingerprint).map_err(Halt::Refused)?;
            let step = Step { inner, feed: &*feed, deadline };
            let mut submitted = step.race(async { Ok(entry.submitted.lock().await) }).await?;
            if submitted.is_none() {
                let step = Step { inner, feed: &*feed, deadline };
                let ready = step.race(input::prepare(inner, &run.caller, model, prepared)).await?;
                references = ready.task.inputs().iter().map(|it| it.reference.clone()).collect();
                let span = Span::begin("submit", run.caller.trace);
                let answer = span.cover(submit(inner, ready, adjustments, deadline)).await;
                *submitted = Some(answer?);
            }
            match submitted.clone() {
                Some(Submitted::Accepted { accepted, adjustments }) => {
                    tell_accepted::<P>(feed, &accepted, adjustments).await?;
                    accepted
                }
                Some(Submitted::InDoubt(failure)) => return Err(failure.into()),
                None => return Err(Failure::new(Code::Internal, "nothing was submitted").into()),
            }
        }
    };
    let success = wait(inner, &accepted.job, feed, deadline).await;
    if let Err(Halt::Failed(failure)) = &success
        && failure.code == Code::InputUnreadable
    {
        // The vendor may have lost an upload early: the next run is to bring it again.
        references.iter().for_each(|it| inner.uploads.forget(it));
    }
    let success = success?;
    let span = Span::begin("store", run.caller.trace);
    let caller = run.caller.within(span.trace());
    let stored = store(inner, &caller, &run.id, model.capability, &success, feed);
    let stored = span.cover(stored).await?;
    drop(span);
    Ok(completed(model, success, stored))
}

async fn tell_accepted<P: Provider>(
    feed: &mut Feed,
    accepted: &Accepted<P::Job>,
    adjustments: Vec<String>,
) -> Result<(), Gone> {
    feed.tell(Event::Accepted(pb::RunAccepted {
        vendor_job_id: accepted.job_id.clone(),
        resume_token: token::write::<P>(accepted).into(),
        adjustments,
    }))
    .await
}

/// Asks the vendor to start. Nothing interrupts this but an answer, or the vendor's silence.
async fn submit<P: Provider>(
    inner: &Inner<P>,
    run: Prepared,
    adjustments: Vec<String>,
    deadline: Instant,
) -> Result<Submitted<P::Job>, Halt> {
    if inner.deps.mesh.shutdown().is_cancelled() {
        return Err(Halt::Refused(Error::Draining));
    }
    if deadline <= Instant::now() {
        return Err(Failure::new(Code::Timeout, "the time was up before the run began").into());
    }
    let id = run.run_id.clone();
    match inner.provider.submit(run).await {
        Ok(accepted) => {
            tracing::info!(run.id = %id, vendor.job_id = %accepted.job_id, "run accepted");
            Ok(Submitted::Accepted { accepted, adjustments })
        }
        Err(failure) if failure.maybe_submitted => {
            tracing::warn!(run.id = %id, failure = ?failure, "run in doubt");
            Ok(Submitted::InDoubt(failure))
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Asks the vendor until the run has ended there.
async fn wait<P: Provider>(
    inner: &Inner<P>,
    job: &P::Job,
    feed: &mut Feed,
    deadline: Instant,
) -> Result<Success, Halt> {
    let mut pace = Pace::new(&inner.deps.settings);
    let (mut denials, mut garbled, mut oddity) = (0, 0, None);
    loop {
        let pause = pace.wait();
        let question = async {
            sleep(pause).await;
            timeout(QUESTION, inner.provider.poll(job)).await
        };
        let step = Step { inner, feed: &*feed, deadline };
        let answer = match step.race(async { Ok(question.await) }).await {
            Ok(answer) => answer,
            Err(Halt::Failed(failure)) if failure.code == Code::Timeout => {
                return give_up(inner, job, oddity).await;
            }
            Err(halt) => return Err(halt),
        };
        match answer {
            Ok(Ok(State::Queued { position })) => feed.queued(position).await?,
            Ok(Ok(State::Running { percent, message })) => {
                if feed.progress(percent, message).await? {
                    pace.quicken();
                }
            }
            Ok(Ok(State::Succeeded(success))) => return Ok(success),
            Ok(Ok(State::Unknown(state))) => {
                if oddity.is_none() {
                    tracing::warn!(state, "the vendor is in a state that is not known");
                }
                oddity = Some(state);
            }
            // The asking failed, not the run: ask again, until the time is up.
            Ok(Err(failure)) if failure.is_passing && failure.code != Code::Protocol => {
                tracing::debug!(failure = ?failure, "the vendor could not be asked");
            }
            Ok(Err(failure)) if failure.is_passing && garbled + 1 < MOST_GARBLED => garbled += 1,
            Ok(Err(failure)) if failure.code == Code::NotFound && denials + 1 < DENIALS => {
                denials += 1;
            }
            Ok(Err(failure)) => return Err(failure.into()),
            Err(_) => tracing::debug!("the vendor did not answer"),
        }
    }
}

/// Cancels what took too long; should it have ended meanwhile, its outputs are paid for and taken.
async fn give_up<P: Provider>(
    inner: &Inner<P>,
    job: &P::Job,
    oddity: Option<String>,
) -> Result<Success, Halt> {
    let cancelled = timeout(QUESTION, inner.provider.cancel(job)).await;
    if let Ok(Ok(Cancelled::TooLate)) = cancelled
        && let Ok(answer) = timeout(QUESTION, inner.provider.poll(job)).await
        && let State::Succeeded(success) = answer?
    {
        return Ok(success);
    }
    if let Some(state) = oddity {
        let message =
            format!("the vendor was in the unknown state `{state}` until the time was up");
        return Err(Failure::protocol(message).into());
    }
    let message = match cancelled {
        Ok(Ok(Cancelled::Done | Cancelled::Requested)) => {
            "the vendor took too long, and the run was cancelled"
        }
        _ => "the vendor took too long, and the run could not be cancelled",
    };
    Err(Failure::new(Code::Timeout, message).into())
}

/// Takes the outputs into the workspace. The run's deadline no longer counts: they are paid for.
async fn store<P: Provider>(
    inner: &Inner<P>,
    caller: &Caller,
    run_id: &str,
    capability: crate::Capability,
    success: &Success,
    feed: &Feed,
) -> Result<Vec<output::Stored>, Halt> {
    let shutdown = inner.deps.mesh.shutdown();
    let stopped = async {
        shutdown.cancelled().await;
        sleep(GRACE).await;
    };
    let work = output::store(inner, caller, run_id, capability, success);
    let stored = tokio::select! {
        stored = timeout(TRANSFER, work) => stored,
        () = feed.gone() => return Err(Halt::Gone),
        () = stopped => return Err(Halt::Refused(Error::Draining)),
    };
    match stored {
        Ok(Ok(stored)) => Ok(stored),
        // The run is paid for and its outputs are still there: resuming is free, running is not.
        Ok(Err(failure)) if failure.code == Code::Storage => {
            Err(Halt::Refused(Error::Workspace(failure)))
        }
        Ok(Err(failure)) => Err(failure.into()),
        Err(_) => {
            let failure = Failure::new(Code::Storage, "the outputs took too long to store");
            Err(Halt::Refused(Error::Workspace(failure)))
        }
    }
}

fn completed(model: &Model, success: Success, stored: Vec<output::Stored>) -> pb::RunCompleted {
    use pb::cost::Source;
    let billed = success.billed_units.and_then(|it| model.price.of_units(&it));
    let (amount, source) = match billed {
        Some(amount) => (amount, Source::Vendor),
        None => (cost::actual(model, &stored), Source::PriceList),
    };
    pb::RunCompleted {
        outputs: (0..).zip(stored).map(|(index, it)| it.into_output(index)).collect(),
        cost: Some(pb::Cost { amount: Some(money(amount)), source: source.into() }),
        vendor_request_id: success.request_id,
    }
}

/// One step of a run, which the caller, the clock and the process can interrupt.
struct Step<'a, P: Provider> {
    inner: &'a Inner<P>,
    feed: &'a Feed,
    deadline: Instant,
}

impl<P: Provider> Step<'_, P> {
    async fn race<T>(self, work: impl Future<Output = Result<T>>) -> Result<T, Halt> {
        let shutdown = self.inner.deps.mesh.shutdown();
        tokio::select! {
            biased;
            () = shutdown.cancelled() => Err(Halt::Refused(Error::Draining)),
            () = self.feed.gone() => Err(Halt::Gone),
            done = timeout_at(self.deadline, work) => match done {
                Ok(done) => Ok(done?),
                Err(_) => {
                    Err(Failure::new(Code::Timeout, "the time was up before the run began").into())
                }
            },
        }
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl From<Gone> for Halt {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}
