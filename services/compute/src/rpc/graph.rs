//! Graphs, checked before anything is stored.

use std::collections::HashMap;
use std::time::Duration;

use api::sartiq::compute::v1 as pb;
use api::sartiq::compute::v1::binding::Place;
use api::sartiq::provider::v1::{Asset, Reference, RunInput};
use prost_protovalidate::Validate;

use crate::error::{Error, Field, Result};

/// The longest that a node may take.
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// Checks what the rules of the single messages cannot say.
pub(super) fn check(nodes: &[pb::Node]) -> Result<()> {
    let mut fields = Fields(Vec::new());
    let mut earlier: HashMap<&str, &pb::Node> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let path = format!("graph.nodes[{index}]");
        for (nth, name) in node.after.iter().enumerate() {
            if !earlier.contains_key(name.as_str()) {
                fields.add(format!("{path}.after[{nth}]"), "must name an earlier node");
            }
        }
        if earlier.insert(&node.name, node).is_some() {
            fields.add(format!("{path}.name"), "must be unique");
        }
        if let Some(timeout) = node.timeout {
            let is_sane =
                Duration::try_from(timeout).is_ok_and(|it| Duration::ZERO < it && it <= LONGEST);
            if !is_sane {
                fields.add(format!("{path}.timeout"), "must be positive and at most 6 hours");
            }
        }
        check_work(&path, node, &mut fields);
        for (nth, binding) in node.bindings.iter().enumerate() {
            check_binding(&format!("{path}.bindings[{nth}]"), node, binding, &earlier, &mut fields);
        }
    }
    if fields.0.is_empty() { Ok(()) } else { Err(Error::Invalid(fields.0)) }
}

struct Fields(Vec<Field>);

impl Fields {
    fn add(&mut self, path: String, sentence: impl Into<String>) {
        self.0.push((path, sentence.into()));
    }
}

fn check_work(path: &str, node: &pb::Node, fields: &mut Fields) {
    match (&node.run, &node.compose_prompt, &node.gather) {
        (Some(run), None, None) => check_run(&format!("{path}.run"), node, run, fields),
        (None, Some(_), None) => (),
        (None, None, Some(gather)) => {
            let most = i32::try_from(node.after.len()).unwrap_or(i32::MAX);
            if node.after.is_empty() {
                fields.add(format!("{path}.after"), "must name what is gathered");
            } else if most < gather.min_completed {
                let sentence = "must not be more than there are nodes before";
                fields.add(format!("{path}.gather.min_completed"), sentence);
            }
        }
        _ => fields.add(path.to_owned(), "must have exactly one of run, compose_prompt and gather"),
    }
}

fn check_run(path: &str, node: &pb::Node, run: &RunInput, fields: &mut Fields) {
    let tasks = [
        run.text_to_image.is_some(),
        run.edit_image.is_some(),
        run.try_on.is_some(),
        run.image_to_video.is_some(),
        run.upscale.is_some(),
        run.remove_background.is_some(),
    ];
    if tasks.into_iter().filter(|it| *it).count() != 1 {
        return fields.add(path.to_owned(), "must have exactly one task");
    }
    if !run.model.is_empty() {
        fields.add(format!("{path}.model"), "must be empty: the route chooses it");
    }
    // The rules are about the whole, so what comes later stands there as something.
    let mut whole = RunInput { model: "any".to_owned(), ..run.clone() };
    for binding in &node.bindings {
        if let Some(place) = fill(&mut whole, binding.place()) {
            fields.add(format!("{path}.{place}"), "must be empty: a binding fills it");
        }
    }
    if let Err(error) = whole.validate() {
        for violation in error.violations() {
            let field = violation.field_path();
            fields.add(format!("{path}.{field}"), violation.message().to_owned());
        }
    }
    for (place, asset) in assets(run) {
        if asset.source.is_none() {
            fields.add(format!("{path}.{place}"), "must name a media or a workspace key");
        }
    }
}

/// Puts something into a place. Returns its path if there was something already.
fn fill(run: &mut RunInput, place: Place) -> Option<&'static str> {
    let put_text = |place: &mut String, path| {
        let was_empty = place.is_empty();
        "bound".clone_into(place);
        (!was_empty).then_some(path)
    };
    let put =
        |place: &mut Option<Asset>, path| place.replace(Asset::default()).is_some().then_some(path);
    match (place, run) {
        (Place::Prompt, RunInput { text_to_image: Some(it), .. }) => {
            put_text(&mut it.prompt, "text_to_image.prompt")
        }
        (Place::Prompt, RunInput { edit_image: Some(it), .. }) => {
            put_text(&mut it.prompt, "edit_image.prompt")
        }
        (Place::Prompt, RunInput { image_to_video: Some(it), .. }) => {
            put_text(&mut it.prompt, "image_to_video.prompt")
        }
        (Place::Image, RunInput { image_to_video: Some(it), .. }) => {
            put(&mut it.image, "image_to_video.image")
        }
        (Place::Image, RunInput { upscale: Some(it), .. }) => put(&mut it.image, "upscale.image"),
        (Place::Image, RunInput { remove_background: Some(it), .. }) => {
            put(&mut it.image, "remove_background.image")
        }
        (Place::Person, RunInput { try_on: Some(it), .. }) => put(&mut it.person, "try_on.person"),
        (Place::BaseReference, RunInput { edit_image: Some(it), .. }) => {
            let image = Some(Asset::default());
            it.references.push(Reference { image, ..Reference::default() });
            None
        }
        _ => None,
    }
}

fn assets(run: &RunInput) -> Vec<(String, &Asset)> {
    let mut list: Vec<(String, Option<&Asset>)> = Vec::new();
    if let Some(it) = &run.edit_image {
        for (nth, reference) in it.references.iter().enumerate() {
            list.push((format!("edit_image.references[{nth}].image"), reference.image.as_ref()));
        }
    }
    if let Some(it) = &run.try_on {
        list.push(("try_on.person".to_owned(), it.person.as_ref()));
        list.push(("try_on.garment".to_owned(), it.garment.as_ref()));
    }
    if let Some(it) = &run.image_to_video {
        list.push(("image_to_video.image".to_owned(), it.image.as_ref()));
    }
    if let Some(it) = &run.upscale {
        list.push(("upscale.image".to_owned(), it.image.as_ref()));
    }
    if let Some(it) = &run.remove_background {
        list.push(("remove_background.image".to_owned(), it.image.as_ref()));
    }
    list.into_iter().filter_map(|(path, it)| Some((path, it?))).collect()
}

fn check_binding(
    path: &str,
    node: &pb::Node,
    binding: &pb::Binding,
    earlier: &HashMap<&str, &pb::Node>,
    fields: &mut Fields,
) {
    if !fits(node.run.as_ref(), binding.place()) {
        fields.add(format!("{path}.place"), "must be a place of the node's work");
    }
    let before = node.after.iter().find(|it| **it == binding.node);
    let Some(source) = before.and_then(|it| earlier.get(it.as_str())) else {
        return fields.add(format!("{path}.node"), "must be in `after`");
    };
    let is_text = binding.place() == Place::Prompt;
    let outputs = match (&source.run, &source.compose_prompt) {
        (Some(run), _) if !is_text => run.output.as_ref().map_or(1, |it| it.count.max(1)),
        (None, Some(_)) if is_text => 1,
        // What is gathered is known when it is.
        (None, None) => u32::MAX,
        _ => return fields.add(format!("{path}.node"), "must make what fits the place"),
    };
    if u32::try_from(binding.output).is_ok_and(|it| outputs <= it) {
        fields.add(format!("{path}.output"), "must be one of the node's outputs");
    }
}

fn fits(run: Option<&RunInput>, place: Place) -> bool {
    let Some(run) = run else { return false };
    match place {
        Place::Unspecified => false,
        Place::Prompt => {
            run.text_to_image.is_some() || run.edit_image.is_some() || run.image_to_video.is_some()
        }
        Place::Image => {
            run.image_to_video.is_some() || run.upscale.is_some() || run.remove_background.is_some()
        }
        Place::BaseReference => run.edit_image.is_some(),
        Place::Person => run.try_on.is_some(),
    }
}
