//! Prices: what a run would cost by the price list.

use types::Money;

/// What is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unit {
    /// Each output.
    Output,
    /// Each million pixels of output, rounded up.
    Megapixel,
    /// Each second of film.
    Second,
}

/// What one unit costs.
#[derive(Clone, Debug)]
pub(crate) struct Price {
    pub(crate) unit: Unit,
    pub(crate) amount: Money,
}

/// What a run asks for, as far as it is known before. 0 where the model chooses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) outputs: u32,
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) seconds: u32,
}

/// What models choose where they are free to.
const USUAL_SECONDS: i64 = 5;

impl Price {
    /// Says what a run of `size` would cost.
    pub(crate) fn of(&self, size: Size) -> Money {
        let outputs = i64::from(size.outputs.max(1));
        let pixels = i64::from(size.width_px) * i64::from(size.height_px);
        let seconds = match size.seconds {
            0 => USUAL_SECONDS,
            seconds => i64::from(seconds),
        };
        let count = match self.unit {
            Unit::Output => outputs,
            Unit::Megapixel => outputs * (pixels + 999_999).div_euclid(1_000_000).max(1),
            Unit::Second => outputs * seconds,
        };
        self.amount.times(count).unwrap_or_else(|| self.amount.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_and_rounded_up() {
        let price = |unit| Price { unit, amount: Money::new(40_000, "USD") };
        let size = Size { outputs: 2, width_px: 1024, height_px: 1024, seconds: 0 };
        assert_eq!(price(Unit::Output).of(size).micros, 80_000);
        assert_eq!(price(Unit::Megapixel).of(size).micros, 160_000);
        assert_eq!(price(Unit::Megapixel).of(Size::default()).micros, 40_000);
        assert_eq!(price(Unit::Second).of(size).micros, 400_000);
    }
}
