//! What follows a failure: for the task, and for the lane it was on.

use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The first pause after an attempt that may have been taken, and billed: what loses one answer loses
/// the next within the same second as well.
const DOUBTFUL_PAUSE: Duration = Duration::from_secs(2);

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long a lane rests that asked for rest without saying how long.
const SHORT_REST: Duration = Duration::from_secs(2);

/// How long a lane rests that an operator has to look at.
const LONG_REST: Duration = Duration::from_secs(300);

/// How often a lane is tried before the next, where trying again may help.
const LANE_TRIES: i16 = 2;

/// What went wrong, as far as it matters for what follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Nothing was sent: the adapter is away, drains or is full.
    Unsent,
    /// The provider asked for rest.
    Throttled,
    /// An operator has to act.
    Locked,
    /// The provider refuses this input, and will again.
    Refused,
    /// The model cannot do it or is not there.
    Unable,
    /// Something broke that may work next time.
    Broken,
    /// Nothing helps.
    Hopeless,
}

/// Whom else a failure concerns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// This request alone.
    Request,
    /// All requests to the model.
    Model,
    /// All requests to the provider.
    Provider,
}

/// A failure, as far as it matters for what follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) reach: Reach,
    /// How long to wait, if somebody said.
    pub(crate) retry_after: Option<Duration>,
    /// Whether the provider may have taken the run all the same.
    pub(crate) is_doubtful: bool,
}

/// What was tried before. The failed attempt is not counted yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History {
    pub(crate) tries: i16,
    pub(crate) max_tries: i16,
    pub(crate) lane_tries: i16,
    /// Whether the route has a lane after this one.
    pub(crate) has_next_lane: bool,
}

/// What follows for the task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// It fails for good.
    Fail,
    /// It is tried again after a while.
    Retry(Duration),
    /// It is tried on the next lane.
    Fallback,
    /// It waits as if it had not been tried.
    Park,
}

/// What follows for the lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It did its part.
    Answered,
    /// It failed.
    Failed,
    /// It rests.
    Rest(Duration),
    /// So do all lanes of the provider.
    RestAll(Duration),
    /// Nobody was there to ask; so it is with all lanes of the provider.
    Absent,
}

/// Says what follows a failure. `jitter` is random, from 0 to 1.
pub(crate) fn decide(failure: Failure, history: History, jitter: f64) -> (Next, Verdict) {
    let rest = |usual: Duration| {
        let length = failure.retry_after.unwrap_or(usual);
        match failure.reach {
            Reach::Provider => Verdict::RestAll(length),
            Reach::Request | Reach::Model => Verdict::Rest(length),
        }
    };
    let next = match failure.kind {
        Kind::Unsent => Next::Park,
        // Parking an attempt that may be running would run it twice for the price of one.
        Kind::Throttled | Kind::Locked if !failure.is_doubtful => Next::Park,
        Kind::Refused | Kind::Hopeless if !failure.is_doubtful => Next::Fail,
        _ => again(failure, history, jitter),
    };
    let verdict = match failure.kind {
        Kind::Unsent if failure.retry_after.is_none() => Verdict::Absent,
        Kind::Unsent => rest(SHORT_REST),
        Kind::Throttled => rest(SHORT_REST),
        Kind::Locked => rest(LONG_REST),
        Kind::Broken | Kind::Unable if failure.reach != Reach::Request => Verdict::Failed,
        _ => Verdict::Answered,
    };
    (next, verdict)
}

/// Says what follows an attempt of which nobody knows whether it was submitted: another one, for it
/// would be worse to make nobody wait for nothing than to be charged twice, and the ledger shows it.
pub(crate) fn after_doubt(history: History, jitter: f64) -> Next {
    let reach = Reach::Request;
    let failure = Failure { kind: Kind::Broken, reach, retry_after: None, is_doubtful: true };
    again(failure, history, jitter)
}

fn again(failure: Failure, history: History, jitter: f64) -> Next {
    let tries = history.tries + 1;
    if history.max_tries <= tries {
        return Next::Fail;
    }
    let is_unable = failure.kind == Kind::Unable;
    let is_worn = LANE_TRIES <= history.lane_tries + 1 && failure.reach != Reach::Request;
    match (is_unable || is_worn, history.has_next_lane) {
        (true, true) => Next::Fallback,
        // No model of the route can.
        (true, false) if is_unable => Next::Fail,
        _ => {
            let first = if failure.is_doubtful { DOUBTFUL_PAUSE } else { FIRST_PAUSE };
            let pause = pause(first, tries, jitter);
            Next::Retry(pause.max(failure.retry_after.unwrap_or_default()))
        }
    }
}

/// Returns the pause after so many tries: the first one, doubled each time, at least half of it random.
fn pause(first: Duration, tries: i16, jitter: f64) -> Duration {
    let exponent = u32::try_from(tries - 1).unwrap_or_default().min(10);
    let pause = (first * 2_u32.pow(exponent)).min(LONGEST_PAUSE);
    pause.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: History = History { tries: 0, max_tries: 4, lane_tries: 0, has_next_lane: true };

    fn failure(kind: Kind, reach: Reach) -> Failure {
        Failure { kind, reach, retry_after: None, is_doubtful: false }
    }

    #[test]
    fn infrastructure_pauses_and_never_fails() {
        let worn = History { tries: 3, lane_tries: 3, has_next_lane: false, ..FRESH };
        for kind in [Kind::Unsent, Kind::Throttled, Kind::Locked] {
            let (next, verdict) = decide(failure(kind, Reach::Provider), worn, 0.5);
            assert_eq!(next, Next::Park, "{kind:?}");
            assert!(matches!(verdict, Verdict::RestAll(_) | Verdict::Absent), "{kind:?}");
        }
    }

    #[test]
    fn the_providers_no_fails_at_once() {
        let (next, verdict) = decide(failure(Kind::Refused, Reach::Request), FRESH, 0.5);
        assert_eq!((next, verdict), (Next::Fail, Verdict::Answered));
    }

    #[test]
    fn waits_are_honoured() {
        let wait = Some(Duration::from_secs(17));
        let throttled = Failure { retry_after: wait, ..failure(Kind::Throttled, Reach::Model) };
        assert_eq!(decide(throttled, FRESH, 0.5).1, Verdict::Rest(Duration::from_secs(17)));
        let broken = Failure { retry_after: wait, ..failure(Kind::Broken, Reach::Request) };
        assert_eq!(decide(broken, FRESH, 0.5).0, Next::Retry(Duration::from_secs(17)));
    }

    #[test]
    fn pauses_double_to_a_bound() {
        let pauses: Vec<u128> = (1..9).map(|it| pause(FIRST_PAUSE, it, 1.0).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(pause(FIRST_PAUSE, 1, 0.0), FIRST_PAUSE / 2);
    }

    #[test]
    fn a_broken_lane_gets_a_second_chance_and_then_the_next_lane_its_first() {
        let broken = failure(Kind::Broken, Reach::Model);
        let (next, verdict) = decide(broken, FRESH, 0.0);
        assert_eq!((next, verdict), (Next::Retry(FIRST_PAUSE / 2), Verdict::Failed));
        let second = History { tries: 1, lane_tries: 1, ..FRESH };
        assert_eq!(decide(broken, second, 0.0).0, Next::Fallback);
        let alone = History { has_next_lane: false, ..second };
        assert!(matches!(decide(broken, alone, 0.0).0, Next::Retry(_)));
        let last = History { tries: 3, ..second };
        assert_eq!(decide(broken, last, 0.0).0, Next::Fail);
    }

    #[test]
    fn what_cannot_is_asked_once() {
        let unable = failure(Kind::Unable, Reach::Model);
        assert_eq!(decide(unable, FRESH, 0.0).0, Next::Fallback);
        let alone = History { has_next_lane: false, ..FRESH };
        assert_eq!(decide(unable, alone, 0.0).0, Next::Fail);
    }

    #[test]
    fn doubt_is_tried_again_but_counted() {
        assert_eq!(after_doubt(FRESH, 1.0), Next::Retry(DOUBTFUL_PAUSE));
        assert_eq!(after_doubt(History { tries: 3, ..FRESH }, 0.5), Next::Fail);
        let doubtful = Failure { is_doubtful: true, ..failure(Kind::Throttled, Reach::Model) };
        assert!(matches!(decide(doubtful, FRESH, 0.5).0, Next::Retry(_)));
    }
}
