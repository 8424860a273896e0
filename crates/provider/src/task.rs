//! What a run is to make, in words that all vendors share.

use crate::model::Capability;

/// A run, within the limits of its model and with its inputs at hand.
#[derive(Clone, Debug)]
pub struct Prepared<I = Input> {
    /// The id of the run.
    pub run_id: String,
    /// The model, as the vendor names it.
    pub model: String,
    /// What to do.
    pub task: Task<I>,
    /// How many outputs.
    pub count: u32,
    /// The size of each. `None` lets the model choose.
    pub size: Option<Size>,
    /// The shape of each, one of those the model knows. `None` lets the model choose.
    pub ratio: Option<(u32, u32)>,
    /// The media type of each, one of those the model makes.
    pub media_type: String,
    /// The seed. `None` lets the vendor choose.
    pub seed: Option<u32>,
}

/// A width and a height, in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Size {
    /// The width.
    pub width: u32,
    /// The height.
    pub height: u32,
}

/// An input, where the vendor can read it.
#[derive(Clone, Debug)]
pub struct Input {
    /// What [`Provider::upload`](crate::Provider::upload) answered: a URL, a data URI, an id.
    pub reference: String,
    /// The width.
    pub width: u32,
    /// The height.
    pub height: u32,
}

/// What to do, over inputs of type `I`.
#[derive(Clone, Debug)]
pub enum Task<I = Input> {
    /// Make a picture from a text.
    TextToImage {
        /// What to show.
        prompt: String,
        /// What not to show. Empty where the model has no such input.
        negative_prompt: String,
    },
    /// Change a picture, or compose references, as a text says.
    EditImage {
        /// What to do.
        prompt: String,
        /// What not to show. Empty where the model has no such input.
        negative_prompt: String,
        /// The pictures, the most important first. Never empty.
        references: Vec<I>,
    },
    /// Dress a person in a garment.
    TryOn {
        /// The person.
        person: I,
        /// The garment.
        garment: I,
        /// What part it dresses. `None` lets the model find out.
        part: Option<Part>,
    },
    /// Make a film from a picture.
    ImageToVideo {
        /// The first frame.
        image: I,
        /// What is to happen.
        prompt: String,
        /// The length, one of those the model makes. `None` lets the model choose.
        seconds: Option<u32>,
    },
    /// Enlarge a picture.
    Upscale {
        /// The picture.
        image: I,
        /// How many times longer its edges become.
        factor: u32,
    },
    /// Cut the background away.
    RemoveBackground {
        /// The picture.
        image: I,
    },
}

/// What part of a person a garment dresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The upper body.
    Upper,
    /// The lower body.
    Lower,
    /// The whole body.
    FullBody,
}

impl<I> Task<I> {
    /// Says what a model must be able to do.
    pub fn capability(&self) -> Capability {
        match self {
            Self::TextToImage { .. } => Capability::TextToImage,
            Self::EditImage { .. } => Capability::EditImage,
            Self::TryOn { .. } => Capability::TryOn,
            Self::ImageToVideo { .. } => Capability::ImageToVideo,
            Self::Upscale { .. } => Capability::Upscale,
            Self::RemoveBackground { .. } => Capability::RemoveBackground,
        }
    }

    /// Returns the inputs, in the order that [`Task::with_inputs`] takes them.
    pub fn inputs(&self) -> Vec<&I> {
        match self {
            Self::TextToImage { .. } => Vec::new(),
            Self::EditImage { references, .. } => references.iter().collect(),
            Self::TryOn { person, garment, .. } => vec![person, garment],
            Self::ImageToVideo { image, .. }
            | Self::Upscale { image, .. }
            | Self::RemoveBackground { image } => vec![image],
        }
    }

    /// Puts others in the place of the inputs; `None` unless there are as many.
    pub fn with_inputs<J>(self, inputs: Vec<J>) -> Option<Task<J>> {
        if inputs.len() != self.inputs().len() {
            return None;
        }
        let mut inputs = inputs.into_iter();
        Some(match self {
            Self::TextToImage { prompt, negative_prompt } => {
                Task::TextToImage { prompt, negative_prompt }
            }
            Self::EditImage { prompt, negative_prompt, .. } => {
                Task::EditImage { prompt, negative_prompt, references: inputs.collect() }
            }
            Self::TryOn { part, .. } => {
                Task::TryOn { person: inputs.next()?, garment: inputs.next()?, part }
            }
            Self::ImageToVideo { prompt, seconds, .. } => {
                Task::ImageToVideo { image: inputs.next()?, prompt, seconds }
            }
            Self::Upscale { factor, .. } => Task::Upscale { image: inputs.next()?, factor },
            Self::RemoveBackground { .. } => Task::RemoveBackground { image: inputs.next()? },
        })
    }
}
