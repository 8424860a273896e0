//! What a vendor offers: models, with what they can take and give and what they cost.

use std::time::Duration;

use api::sartiq::provider::v1 as pb;
use api::sartiq::provider::v1::price::Unit;
use serde::Deserialize;
use types::Money;

pub use api::sartiq::provider::v1::Support;

/// What a vendor does for every model alike.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Whether the adapter speaks to a sandbox instead of the vendor.
    pub sandboxed: bool,
    /// Whether runs can be cancelled.
    pub cancel: Support,
    /// Whether progress is reported.
    pub progress: Support,
    /// How long results are kept.
    pub result_ttl: Option<Duration>,
    /// How many runs the account may have at once. 0 if unknown.
    pub max_concurrency: u32,
}

/// What can be asked of a model, as data and code name it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Make a picture from a text.
    TextToImage,
    /// Change a picture, or compose references, as a text says.
    EditImage,
    /// Dress a person in a garment.
    TryOn,
    /// Make a film from a picture.
    ImageToVideo,
    /// Enlarge a picture.
    Upscale,
    /// Cut the background away.
    RemoveBackground,
}

impl Capability {
    /// Names the folder of the workspace that its outputs go to.
    pub fn folder(self) -> &'static str {
        match self {
            Self::TextToImage => "text_to_images",
            Self::EditImage => "edit_images",
            Self::TryOn => "try_ons",
            Self::ImageToVideo => "image_to_videos",
            Self::Upscale => "upscales",
            Self::RemoveBackground => "remove_backgrounds",
        }
    }
}

impl From<Capability> for pb::Capability {
    fn from(capability: Capability) -> Self {
        match capability {
            Capability::TextToImage => Self::TextToImage,
            Capability::EditImage => Self::EditImage,
            Capability::TryOn => Self::TryOn,
            Capability::ImageToVideo => Self::ImageToVideo,
            Capability::Upscale => Self::Upscale,
            Capability::RemoveBackground => Self::RemoveBackground,
        }
    }
}

/// One model of a vendor, for one capability.
#[derive(Clone, Debug, Deserialize)]
pub struct Model {
    /// The vendor's own id.
    pub id: String,
    /// The name, as people say it.
    pub name: String,
    /// What it can be asked to do.
    pub capability: Capability,
    /// What it can take and give.
    #[serde(default)]
    pub limits: Limits,
    /// What it costs.
    pub price: Price,
}

/// What a model can take and give. Requests beyond it never reach the adapter.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// How many outputs one run may ask for.
    pub max_outputs: u32,
    /// How many references one run may carry.
    pub max_references: u32,
    /// The sizes of outputs that can be asked for.
    pub sizes: Sizes,
    /// The size of the largest input, in bytes.
    pub max_input_bytes: u64,
    /// The longest prompt, in characters.
    pub max_prompt_chars: usize,
    /// Whether the prompt may be left out.
    pub prompt_optional: bool,
    /// Whether it takes a text that says what not to show.
    pub negative_prompt: bool,
    /// The media types that outputs can have, the usual one first.
    pub media_types: Vec<String>,
    /// Whether it takes a seed.
    pub seed: bool,
    /// The lengths of film that can be asked for, in whole seconds, the usual one first.
    pub durations: Vec<u32>,
    /// How many times longer edges can be made.
    pub max_factor: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_outputs: 1,
            max_references: 0,
            sizes: Sizes::Chosen { width: 1024, height: 1024 },
            max_input_bytes: 20 << 20,
            max_prompt_chars: 10_000,
            prompt_optional: false,
            negative_prompt: false,
            media_types: vec!["image/png".into()],
            seed: false,
            durations: Vec::new(),
            max_factor: 4,
        }
    }
}

/// The sizes of outputs that can be asked of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sizes {
    /// None: the model chooses, about this.
    Chosen {
        /// The width that is usual.
        width: u32,
        /// The height that is usual.
        height: u32,
    },
    /// Any within bounds.
    Free {
        /// Both sides are multiples of this.
        multiple: u32,
        /// The shortest that a side may be.
        min_side: u32,
        /// The longest that a side may be.
        max_side: u32,
        /// The most pixels there may be.
        max_pixels: u64,
        /// The width where none is asked for.
        width: u32,
        /// The height where none is asked for.
        height: u32,
    },
    /// Only the shape can be asked for.
    Ratios {
        /// The shapes, as width to height.
        ratios: Vec<(u32, u32)>,
        /// About how many pixels there are.
        pixels: u64,
    },
    /// As the input, times the factor that is asked for.
    Scaled {
        /// The most pixels there may be.
        max_pixels: u64,
    },
}

/// What a vendor asks for one unit, in millionths of a US dollar.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Price {
    /// What is counted.
    pub unit: Counted,
    /// What one costs.
    pub usd_micros: i64,
}

/// What a price counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Each output.
    Output,
    /// Each million pixels of output, rounded up.
    Megapixel,
    /// Each second of film.
    Second,
}

impl Price {
    /// Says what `count` units cost.
    pub fn times(&self, count: u64) -> Money {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Money::new(self.usd_micros.saturating_mul(count), "USD")
    }

    /// Says what a decimal number of units costs, as vendors write them; `None` if it is no number.
    pub fn of_units(&self, units: &str) -> Option<Money> {
        let (whole, rest) = units.trim().split_once('.').unwrap_or((units.trim(), ""));
        if whole.is_empty() && rest.is_empty() || 12 < whole.len() {
            return None;
        }
        if !whole.bytes().chain(rest.bytes()).all(|it| it.is_ascii_digit()) {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let rest: i128 = format!("{:0<6.6}", rest).parse().ok()?;
        let micros = (whole * 1_000_000 + rest) * i128::from(self.usd_micros);
        // Half a millionth rounds up, so that many small runs do not come out free.
        let micros = (micros + 500_000) / 1_000_000;
        Some(Money::new(i64::try_from(micros).ok()?, "USD"))
    }
}

impl Sizes {
    /// The most pixels an output can have. 0 if that depends on the input.
    pub(crate) fn max_pixels(&self) -> u64 {
        match *self {
            Self::Chosen { width, height } => u64::from(width) * u64::from(height),
            Self::Free { max_pixels, .. } | Self::Scaled { max_pixels } => max_pixels,
            Self::Ratios { pixels, .. } => pixels,
        }
    }
}

impl From<&Model> for pb::Model {
    fn from(model: &Model) -> Self {
        let limits = &model.limits;
        let unit = match model.price.unit {
            Counted::Output => Unit::Output,
            Counted::Megapixel => Unit::Megapixel,
            Counted::Second => Unit::Second,
        };
        Self {
            id: model.id.clone(),
            display_name: model.name.clone(),
            capability: pb::Capability::from(model.capability).into(),
            limits: Some(pb::ModelLimits {
                max_outputs: limits.max_outputs,
                max_references: limits.max_references,
                max_output_pixels: limits.sizes.max_pixels(),
                size_multiple: match limits.sizes {
                    Sizes::Free { multiple, .. } => multiple,
                    _ => 0,
                },
                max_input_bytes: limits.max_input_bytes,
                output_media_types: limits.media_types.clone(),
                seed: limits.seed,
                durations_seconds: limits.durations.clone(),
            }),
            price: Some(pb::Price { unit: unit.into(), amount: Some(money(model.price.times(1))) }),
        }
    }
}

/// Writes an amount as the wire has it.
pub(crate) fn money(amount: Money) -> api::sartiq::r#type::v1::Money {
    api::sartiq::r#type::v1::Money { micros: amount.micros, currency: amount.currency }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_decimal_and_never_floats() {
        let price = Price { unit: Counted::Megapixel, usd_micros: 30_000 };
        let micros = |units| price.of_units(units).map(|it| it.micros);
        assert_eq!(micros("1"), Some(30_000));
        assert_eq!(micros("2.5"), Some(75_000));
        assert_eq!(micros(".1"), Some(3_000));
        assert_eq!(micros("0.0000019"), Some(0));
        assert_eq!(micros("1e9"), None);
        assert_eq!(micros("-1"), None);
        assert_eq!(micros(""), None);
        assert_eq!(micros("9999999999999999"), None);
    }
}
