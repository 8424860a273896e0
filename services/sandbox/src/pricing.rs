//! The price list: data, never code.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The list that is built in, with the day it was written.
const BUILT_IN: &str = include_str!("../prices.json");

/// What one endpoint costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Price {
    pub(crate) endpoint_id: String,
    pub(crate) unit_price: f64,
    /// `image`, `megapixel`, `second`, `request`.
    pub(crate) unit: String,
    #[serde(default = "dollars")]
    pub(crate) currency: String,
}

/// Every price, by endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prices(BTreeMap<String, Price>);

#[derive(Deserialize)]
struct List {
    prices: Vec<Price>,
}

impl Prices {
    /// Reads the list at `path`, or the one that is built in.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, String> {
        let list = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|error| error.to_string())?,
            None => BUILT_IN.to_owned(),
        };
        let list: List = serde_json::from_str(&list).map_err(|error| error.to_string())?;
        Ok(Self(list.prices.into_iter().map(|it| (it.endpoint_id.clone(), it)).collect()))
    }

    /// What an endpoint costs.
    pub(crate) fn of(&self, endpoint: &str) -> Option<&Price> {
        self.0.get(endpoint)
    }

    /// Every price.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = &Price> {
        self.0.values()
    }

    /// What so many units cost, in millionths of the currency.
    pub(crate) fn charge(&self, endpoint: &str, units: f64) -> u64 {
        self.of(endpoint).map_or(0, |it| (it.unit_price * units * 1e6).round() as u64)
    }
}

fn dollars() -> String {
    "USD".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_list_can_be_read() -> Result<(), String> {
        let prices = Prices::read(None)?;
        assert_eq!(prices.charge("fal-ai/fashn/tryon/v1.6", 2.0), 150_000);
        assert_eq!(prices.charge("fal-ai/unknown", 2.0), 0);
        assert!(prices.all().all(|it| it.currency == "USD"));
        Ok(())
    }
}
