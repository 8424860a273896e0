//! Chance that repeats itself: SplitMix64, which no library will change under us.

/// A die.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// A die that rolls the same for the same seed.
    pub(super) fn new(seed: [u8; 32]) -> Self {
        let mut state = [0; 8];
        state.copy_from_slice(&seed[..8]);
        Self(u64::from_be_bytes(state))
    }

    /// Any number.
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// A number from `from` up to `to`.
    pub(super) fn between(&mut self, from: f32, to: f32) -> f32 {
        let share = (self.roll() >> 40) as f32 / (1u32 << 24) as f32;
        from + (to - from) * share
    }

    /// One of several.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.roll() % choices.len() as u64) as usize]
    }
}
