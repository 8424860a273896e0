//! Bindings: what of a run is filled in from outputs of the nodes before.

use api::sartiq::compute::v1 as pb;
use api::sartiq::compute::v1::binding::Place;
use api::sartiq::compute::v1::task_output::Output;
use api::sartiq::provider::v1::failure::{Code, Retry, Scope};
use api::sartiq::provider::v1::{Asset, Failure, Reference, RunInput, reference};

use super::flow::Flow;

/// Returns the input of a run with everything filled in but the model.
pub(super) fn fill(flow: &Flow, node: &pb::Node) -> Result<RunInput, Failure> {
    let mut input = node.run.clone().unwrap_or_default();
    for binding in &node.bindings {
        let missing = || {
            let message = format!("`{}` has no output {}", binding.node, binding.output);
            invalid(message)
        };
        let (_, source) = flow.named(&binding.node).ok_or_else(missing)?;
        let nth = usize::try_from(binding.output).map_err(|_| missing())?;
        let output = source.outputs.get(nth).and_then(|it| it.output.as_ref());
        let is_filled = match output.ok_or_else(missing)? {
            Output::Text(text) => fill_text(&mut input, binding.place(), text),
            Output::File(file) => {
                let asset = file.asset.clone().ok_or_else(missing)?;
                fill_asset(&mut input, binding.place(), asset)
            }
        };
        if !is_filled {
            let (name, nth) = (&binding.node, binding.output);
            return Err(invalid(format!("output {nth} of `{name}` does not fit its place")));
        }
    }
    Ok(input)
}

fn fill_text(input: &mut RunInput, place: Place, text: &str) -> bool {
    if place != Place::Prompt {
        return false;
    }
    let prompt = match input {
        RunInput { text_to_image: Some(task), .. } => &mut task.prompt,
        RunInput { edit_image: Some(task), .. } => &mut task.prompt,
        RunInput { image_to_video: Some(task), .. } => &mut task.prompt,
        _ => return false,
    };
    text.clone_into(prompt);
    true
}

fn fill_asset(input: &mut RunInput, place: Place, asset: Asset) -> bool {
    match (place, input) {
        (Place::Image, RunInput { image_to_video: Some(task), .. }) => task.image = Some(asset),
        (Place::Image, RunInput { upscale: Some(task), .. }) => task.image = Some(asset),
        (Place::Image, RunInput { remove_background: Some(task), .. }) => task.image = Some(asset),
        (Place::BaseReference, RunInput { edit_image: Some(task), .. }) => {
            let role = reference::Role::Base.into();
            task.references.push(Reference { image: Some(asset), role });
        }
        (Place::Person, RunInput { try_on: Some(task), .. }) => task.person = Some(asset),
        _ => return false,
    }
    true
}

/// Returns the outputs of the nodes before that completed, in order.
pub(super) fn gather(flow: &Flow, node: &pb::Node) -> Vec<pb::TaskOutput> {
    let before = node.after.iter().filter_map(|it| flow.named(it));
    before.filter(|(it, _)| flow.is_completed(*it)).flat_map(|(_, it)| it.outputs.clone()).collect()
}

/// Returns a failure that another input alone could cure.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure {
        code: Code::InvalidInput.into(),
        retry: Retry::ChangedInput.into(),
        scope: Scope::Request.into(),
        message: message.into(),
        ..Failure::default()
    }
}
