//! The models: what each takes, refuses, makes and answers.

mod form;
mod list;
mod size;

use pixels::Kind;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) use form::{Form, Source};
pub(crate) use size::Size;

use crate::refusal::Refusal;

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) endpoint: &'static str,
    /// How long one output usually takes.
    pub(crate) usual_ms: u64,
    /// How many steps its log counts.
    pub(crate) n_steps: u32,
    /// What its answer looks like.
    pub(crate) shape: Shape,
    /// Reads the input into work; what is wrong with it is noted in the form.
    pub(crate) read: fn(&mut Form<'_>) -> Work,
}

/// What an answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `images`, `seed`, `prompt`, `has_nsfw_concepts`, `timings`.
    Flux,
    /// `images`, `seed`.
    Seeded,
    /// `images`, `description`.
    Described,
    /// `images` that do not say how large they are.
    Files,
    /// One `image`, with `seed` and `timings`.
    Single,
    /// One `image` and perhaps a `mask_image`.
    CutOut,
    /// One `video`.
    Video,
    /// `output` and `finish_reason`.
    Caption,
    /// `output` and `usage`.
    Chat,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// A picture from words, and from pictures where there are any.
    Scene(Scene),
    /// A picture changed by words.
    Retouch(Scene),
    /// A garment put on a person in a photograph.
    TryOn(TryOn),
    /// A background taken away.
    CutOut { image: Source, wants_mask: bool, mask_only: bool, format: Kind },
    /// A picture made larger.
    Enlarge { image: Source, factor: f64, format: Kind },
    /// A picture made to move.
    Film(Film),
    /// A picture put into words.
    Describe { images: Vec<Source> },
}

/// A picture to be composed.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) prompt: String,
    pub(crate) references: Vec<Source>,
    pub(crate) n_images: u32,
    pub(crate) size: Size,
    pub(crate) format: Kind,
    /// Multiplies the units that are billed.
    pub(crate) price_factor: f64,
}

/// A garment to be tried on.
#[derive(Clone, Debug)]
pub(crate) struct TryOn {
    pub(crate) person: Source,
    pub(crate) garment: Source,
    pub(crate) category: String,
    pub(crate) n_images: u32,
    pub(crate) format: Kind,
}

/// A still to be filmed.
#[derive(Clone, Debug)]
pub(crate) struct Film {
    pub(crate) prompt: String,
    pub(crate) first: Source,
    pub(crate) last: Option<Source>,
    pub(crate) seconds: u32,
    pub(crate) short_side: u32,
    /// Width by height; `None`: as the still.
    pub(crate) ratio: Option<(u32, u32)>,
}

/// A valid input to a model.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) model: &'static Model,
    pub(crate) work: Work,
    pub(crate) seed: u64,
    pub(crate) sync_mode: bool,
    /// SHA-256 of endpoint and body, keys in order.
    pub(crate) input_hash: String,
}

impl Order {
    /// Reads the input of an endpoint.
    pub(crate) fn read(endpoint: &str, body: &Value) -> Result<Self, Refusal> {
        let model = find(endpoint)
            .ok_or_else(|| Refusal::not_found(format!("Application '{endpoint}' not found")))?;
        let mut form = Form::new(body);
        let work = (model.read)(&mut form);
        let seed = form.seed();
        let sync_mode = form.flag("sync_mode", false);
        let problems = form.problems();
        if !problems.is_empty() {
            return Err(Refusal::model(422, problems, false));
        }
        Ok(Self { model, work, seed, sync_mode, input_hash: input_hash(endpoint, body) })
    }

    /// How many outputs were asked for.
    pub(crate) fn n_outputs(&self) -> u32 {
        match &self.work {
            Work::Scene(scene) | Work::Retouch(scene) => scene.n_images,
            Work::TryOn(it) => it.n_images,
            _ => 1,
        }
    }

    /// The pictures that it needs, in the order in which rendering wants them.
    pub(crate) fn sources(&self) -> Vec<&Source> {
        match &self.work {
            Work::Scene(scene) | Work::Retouch(scene) => scene.references.iter().collect(),
            Work::TryOn(it) => vec![&it.person, &it.garment],
            Work::CutOut { image, .. } | Work::Enlarge { image, .. } => vec![image],
            Work::Film(film) => [&film.first].into_iter().chain(&film.last).collect(),
            Work::Describe { images } => images.iter().collect(),
        }
    }

    /// How much memory its words and inline pictures take.
    pub(crate) fn input_bytes(&self) -> usize {
        let pictures: usize = self.sources().iter().map(|it| it.url.len()).sum();
        pictures + self.prompt().len()
    }

    /// The words that it came with.
    pub(crate) fn prompt(&self) -> &str {
        match &self.work {
            Work::Scene(scene) | Work::Retouch(scene) => &scene.prompt,
            Work::Film(film) => &film.prompt,
            _ => "",
        }
    }
}

/// The model behind an endpoint.
pub(crate) fn find(endpoint: &str) -> Option<&'static Model> {
    list::MODELS.iter().find(|it| it.endpoint == endpoint)
}

/// Every model.
pub(crate) fn all() -> &'static [Model] {
    list::MODELS
}

/// Names an input: the same endpoint and body, in whatever order of keys, give the same name.
pub(crate) fn input_hash(endpoint: &str, body: &Value) -> String {
    let mut hash = Sha256::new();
    hash.update(endpoint);
    hash.update([0]);
    // Objects keep their keys sorted.
    hash.update(body.to_string());
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests;
