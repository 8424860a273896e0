//! The models of fal that are offered, with their prices: data, since both change every month.

use std::path::Path;

use provider::{Error, Model};
use serde::Deserialize;

/// The models that are known at build time.
const BUILT_IN: &str = include_str!("../models.json");

/// How a model's arguments are written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Family {
    Flux,
    #[serde(rename = "flux_2")]
    Flux2,
    NanoBanana,
    Kontext,
    Fashn,
    Birefnet,
    Esrgan,
    Clarity,
    Kling,
    Veo,
}

/// A model and how to speak to it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) family: Family,
    #[serde(flatten)]
    pub(crate) model: Model,
}

#[derive(Debug, Deserialize)]
struct Catalogue {
    models: Vec<Entry>,
}

/// Reads the models from `file`, or takes those that are built in.
pub(crate) fn read(file: Option<&Path>) -> Result<Vec<Entry>, Error> {
    let text = match file {
        Some(file) => &std::fs::read_to_string(file)?,
        None => BUILT_IN,
    };
    let catalogue: Catalogue = serde_json::from_str(text)?;
    Ok(catalogue.models)
}
