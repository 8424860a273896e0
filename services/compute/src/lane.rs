//! Lanes: how busy they are, and when they rest.

use std::time::{Duration, Instant};

/// How many failures in a row make a lane rest.
const TOLERANCE: u32 = 5;

/// How long a lane rests that failed too often.
pub(crate) const REST: Duration = Duration::from_secs(5);

const LONGEST_REST: Duration = Duration::from_secs(60);

/// How long a lane rests at first that nobody was there for.
const ABSENCE: Duration = Duration::from_secs(1);

/// How long it rests at most: its adapter may be about to start, and asking costs nobody anything.
const LONGEST_ABSENCE: Duration = Duration::from_secs(4);

/// A model of a provider, and how it fares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    running: usize,
    /// Failures since it last answered.
    failures: u32,
    /// When a connection to it was lost.
    lost: Option<Instant>,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Instant,
    length: Duration,
    /// Whether a run is finding out how the lane fares now.
    is_probed: bool,
}

/// Whether a lane takes another run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Room {
    /// It does.
    Free,
    /// It has as many as it may.
    Full,
    /// It takes none before this time.
    Resting(Instant),
    /// One run is finding out how it fares; the others wait for what that brings.
    Probed,
}

impl Lane {
    /// Tells whether the lane takes another run, of `limit` at once.
    pub(crate) fn room(&self, now: Instant, limit: usize) -> Room {
        match self.rest {
            Some(rest) if now < rest.until => Room::Resting(rest.until),
            Some(rest) if rest.is_probed => Room::Probed,
            _ if self.running < limit => Room::Free,
            _ => Room::Full,
        }
    }

    /// Begins a run.
    pub(crate) fn begin(&mut self) {
        self.running += 1;
        if let Some(rest) = &mut self.rest {
            rest.is_probed = true;
        }
    }

    /// Counts a run that was begun before this process knew of it.
    pub(crate) fn adopt(&mut self) {
        self.running += 1;
    }

    /// Ends a run. What it said about the lane has been noted before.
    pub(crate) fn end(&mut self) {
        self.running = self.running.saturating_sub(1);
        if let Some(rest) = &mut self.rest {
            // A run that said nothing leaves the question open for the next.
            rest.is_probed = false;
        }
    }

    /// Notes that the lane answered as it should.
    pub(crate) fn answered(&mut self, now: Instant) {
        self.failures = 0;
        // What was begun before the rest says nothing about its end.
        if self.rest.is_some_and(|it| it.until <= now) {
            self.rest = None;
        }
    }

    /// Notes that the lane failed.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if TOLERANCE <= self.failures || self.rest.is_some() {
            self.rest(now, REST);
        }
    }

    /// Notes that the connection of a run was lost that began at `begun`. It is one failure for all runs that
    /// were on it: the adapter may have other pods, and be back at once.
    pub(crate) fn lost(&mut self, now: Instant, begun: Instant) {
        if self.lost.is_none_or(|it| it < begun) {
            self.lost = Some(now);
            self.failed(now);
        }
    }

    /// Lets the lane rest: for `length`, or longer if it rested just now and it did not help.
    pub(crate) fn rest(&mut self, now: Instant, length: Duration) {
        self.rest_up_to(now, length, LONGEST_REST);
    }

    /// Lets the lane rest because nobody was there to ask.
    pub(crate) fn absent(&mut self, now: Instant) {
        self.rest_up_to(now, ABSENCE, LONGEST_ABSENCE);
    }

    fn rest_up_to(&mut self, now: Instant, length: Duration, longest: Duration) {
        let length = match self.rest {
            // Several runs that failed together are one failure.
            Some(rest) if now < rest.until => rest.length.max(length),
            Some(rest) => (2 * rest.length).min(longest).max(length),
            None => length,
        };
        let until = (now + length).max(self.rest.map_or(now, |it| it.until));
        self.rest = Some(Rest { until, length, is_probed: false });
    }

    /// Returns how many runs are on the lane.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// Tells whether the lane rests.
    pub(crate) fn is_resting(&self, now: Instant) -> bool {
        self.rest.is_some_and(|it| now < it.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_takes_as_many_as_it_may() {
        let (mut lane, now) = (Lane::default(), Instant::now());
        lane.begin();
        assert_eq!(lane.room(now, 2), Room::Free);
        lane.begin();
        assert_eq!(lane.room(now, 2), Room::Full);
        lane.end();
        assert_eq!(lane.room(now, 2), Room::Free);
    }

    #[test]
    fn five_failures_in_a_row_make_it_rest_and_one_run_finds_out() {
        let (mut lane, start) = (Lane::default(), Instant::now());
        for _ in 0..4 {
            lane.failed(start);
        }
        lane.answered(start);
        for _ in 0..4 {
            lane.failed(start);
        }
        assert_eq!(lane.room(start, 8), Room::Free);
        lane.failed(start);
        assert_eq!(lane.room(start, 8), Room::Resting(start + REST));
        let later = start + REST;
        assert_eq!(lane.room(later, 8), Room::Free);
        lane.begin();
        assert_eq!(lane.room(later, 8), Room::Probed);
        lane.failed(later);
        lane.end();
        assert_eq!(lane.room(later, 8), Room::Resting(later + 2 * REST));
        let later = later + 2 * REST;
        lane.begin();
        lane.answered(later);
        lane.end();
        assert_eq!(lane.room(later, 8), Room::Free);
    }

    #[test]
    fn an_adapter_that_is_being_started_is_asked_for_often() {
        let (mut lane, mut now) = (Lane::default(), Instant::now());
        let mut rests = Vec::new();
        for _ in 0..4 {
            lane.begin();
            lane.absent(now);
            lane.end();
            let Room::Resting(until) = lane.room(now, 8) else { break };
            rests.push((until - now).as_secs());
            now = until;
        }
        assert_eq!(rests, [1, 2, 4, 4]);
    }

    #[test]
    fn failures_of_one_moment_are_one_rest() {
        let (mut lane, now) = (Lane::default(), Instant::now());
        for _ in 0..20 {
            lane.failed(now);
        }
        assert_eq!(lane.room(now, 8), Room::Resting(now + REST));
    }

    #[test]
    fn a_connection_is_lost_once_for_all_that_were_on_it() {
        let (mut lane, mut now) = (Lane::default(), Instant::now());
        for nth in 0..5 {
            assert_eq!(lane.room(now, 8), Room::Free, "{nth}");
            let begun = now;
            now += Duration::from_millis(10);
            for _ in 0..20 {
                lane.lost(now, begun);
            }
            now += Duration::from_millis(10);
        }
        assert!(lane.is_resting(now));
    }

    #[test]
    fn a_probe_that_says_nothing_leaves_room_for_the_next() {
        let (mut lane, now) = (Lane::default(), Instant::now());
        lane.rest(now, REST);
        lane.begin();
        lane.end();
        assert_eq!(lane.room(now + REST, 8), Room::Free);
    }

    #[test]
    fn runs_from_before_do_not_end_a_rest() {
        let (mut lane, now) = (Lane::default(), Instant::now());
        lane.begin();
        lane.rest(now, REST);
        lane.answered(now);
        assert!(lane.is_resting(now));
    }
}
