//! Amounts of money.

use std::fmt;

/// An amount of money, exact to a millionth of its currency's unit.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Money {
    /// The amount in millionths of the currency's unit; `1_500_000` is 1.50.
    pub micros: i64,
    /// The ISO 4217 code of the currency.
    pub currency: String,
}

impl Money {
    /// Returns `micros` millionths of a `currency`.
    pub fn new(micros: i64, currency: impl Into<String>) -> Self {
        Self { micros, currency: currency.into() }
    }

    /// Returns nothing, in `currency`.
    pub fn zero(currency: impl Into<String>) -> Self {
        Self::new(0, currency)
    }

    /// Adds `other`, unless it is of another currency or the sum is too large to say.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self::new(self.micros.checked_add(other.micros)?, &*self.currency))
    }

    /// Multiplies by `count`, unless the product is too large to say.
    pub fn times(&self, count: i64) -> Option<Self> {
        Some(Self::new(self.micros.checked_mul(count)?, &*self.currency))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.micros < 0 { "-" } else { "" };
        let (whole, rest) =
            (self.micros.unsigned_abs() / 1_000_000, self.micros.unsigned_abs() % 1_000_000);
        // Two places at least, more only where they say something.
        let digits = format!("{rest:06}");
        let digits = digits.trim_end_matches('0');
        write!(f, "{sign}{whole}.{digits:0<2} {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_as_people_write_it() {
        let text = |micros| Money::new(micros, "EUR").to_string();
        assert_eq!(text(1_500_000), "1.50 EUR");
        assert_eq!(text(-39_000), "-0.039 EUR");
        assert_eq!(text(0), "0.00 EUR");
        assert_eq!(text(i64::MIN), "-9223372036854.775808 EUR");
    }

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let euro = Money::new(1, "EUR");
        assert_eq!(euro.plus(&Money::new(1, "USD")), None);
        assert_eq!(euro.plus(&Money::new(i64::MAX, "EUR")), None);
        assert_eq!(euro.plus(&euro), euro.times(2));
    }
}
