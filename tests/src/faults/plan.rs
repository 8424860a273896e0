//! Which faults strike, in which order, for how long and whom: all of it follows from a seed.

use std::fmt;
use std::time::Duration;

/// Services whose loss the mesh has to bear.
const VICTIMS: [&str; 5] = ["compute", "provider-fal", "generation", "media", "gateway"];

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// A service is killed and started again.
    Kill(&'static str),
    /// A service is stopped for longer than its lease, and goes on.
    Pause(&'static str),
    /// Redis is killed with all it knows, and started again.
    RedisKilled,
    /// Redis forgets everything.
    RedisFlushed,
    /// All processes of PostgreSQL are killed, and it is started again.
    PostgresKilled,
    /// The vendor does not answer any more.
    VendorHangs,
    /// The vendor asks to be left alone.
    VendorThrottles,
    /// The vendor does what it is asked for and does not say so.
    VendorLosesAnswers,
    /// The vendor does twice what it is asked for once, and says so twice.
    VendorAnswersTwice,
    /// The object store takes nothing.
    StoreRefuses,
}

impl Kind {
    /// Everything that goes wrong.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<_> = VICTIMS.map(Self::Kill).into();
        all.extend(VICTIMS.map(Self::Pause));
        all.extend([
            Self::RedisKilled,
            Self::RedisFlushed,
            Self::PostgresKilled,
            Self::VendorHangs,
            Self::VendorThrottles,
            Self::VendorLosesAnswers,
            Self::VendorAnswersTwice,
            Self::StoreRefuses,
        ]);
        all
    }

    /// How long it lasts, at least and at most, in milliseconds.
    fn length(self) -> (u64, u64) {
        match self {
            Self::Kill(_) => (200, 1_500),
            // Jobs are leased for six seconds, and all else for two.
            Self::Pause("generation") => (6_400, 7_200),
            Self::Pause(_) => (2_800, 3_600),
            Self::RedisKilled | Self::PostgresKilled => (300, 1_800),
            Self::RedisFlushed => (300, 900),
            Self::VendorHangs | Self::VendorThrottles => (1_500, 3_500),
            Self::VendorLosesAnswers | Self::VendorAnswersTwice => (1_500, 3_000),
            Self::StoreRefuses => (1_000, 3_000),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(service) => write!(f, "{service} killed"),
            Self::Pause(service) => write!(f, "{service} stopped and continued"),
            Self::RedisKilled => f.write_str("Redis killed"),
            Self::RedisFlushed => f.write_str("Redis flushed"),
            Self::PostgresKilled => f.write_str("PostgreSQL killed"),
            Self::VendorHangs => f.write_str("vendor hangs"),
            Self::VendorThrottles => f.write_str("vendor throttles"),
            Self::VendorLosesAnswers => f.write_str("vendor loses answers"),
            Self::VendorAnswersTwice => f.write_str("vendor answers twice"),
            Self::StoreRefuses => f.write_str("store refuses writes"),
        }
    }
}

/// One fault of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// How long all is well before.
    pub calm: Duration,
    /// How long it lasts.
    pub length: Duration,
    /// Decides what the kind leaves open, such as which of two replicas it strikes.
    pub dice: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{} for {:.1} s", self.kind, self.length.as_secs_f64());
        write!(f, "{text:<48}")
    }
}

/// Random numbers that follow from a seed, today and with any later version of anything.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that roll as `seed` says.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number. This is SplitMix64.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.roll() % (most - least + 1)
    }

    /// A time from `least` to `most` milliseconds.
    pub fn pause(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }
}

/// The faults of a run, without end.
#[derive(Clone, Debug)]
pub struct Plan {
    dice: Dice,
    bag: Vec<Kind>,
}

impl Plan {
    /// The faults that follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed), bag: Vec::new() }
    }

    /// The next fault. No kind comes again before all others have come.
    pub fn next_fault(&mut self) -> Fault {
        if self.bag.is_empty() {
            self.bag = Kind::all();
        }
        let drawn = self.dice.roll() as usize % self.bag.len();
        let kind = self.bag.swap_remove(drawn);
        let (least, most) = kind.length();
        let calm = self.dice.pause(800, 2_600);
        let length = self.dice.pause(least, most);
        Fault { kind, calm, length, dice: self.dice.roll() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_replays_its_faults() {
        let faults = |seed| {
            let mut plan = Plan::new(seed);
            (0..100).map(|_| plan.next_fault()).collect::<Vec<_>>()
        };
        assert_eq!(faults(7), faults(7));
        assert_ne!(faults(7), faults(8));
    }

    #[test]
    fn every_kind_comes_before_one_comes_again() {
        let all = Kind::all();
        let mut plan = Plan::new(3);
        let drawn: HashSet<_> = (0..all.len()).map(|_| plan.next_fault().kind).collect();
        assert_eq!(drawn.len(), all.len());
    }

    #[test]
    fn dice_roll_as_they_always_did() {
        let mut dice = Dice::new(1);
        assert_eq!(dice.roll(), 0x910a_2dec_8902_5cc1);
    }
}
