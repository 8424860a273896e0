//! The graph of a generation: prompt → pictures in parallel → each finished → gathered.

use api::sartiq::compute::v1::{Binding, ComposePrompt, Gather, Graph, Node, binding};
use api::sartiq::generation::v1 as pb;
use api::sartiq::provider::v1::{
    Asset, EditImage, OutputShape, Reference, RunInput, Upscale, asset, reference,
};
use prost_types::Duration;

use crate::generation::Node as Name;

/// How long one try of a picture may take at the provider.
const TIMEOUT: Duration = Duration { seconds: 300, nanos: 0 };
/// How many times longer the edges of a finished picture are.
const FACTOR: u32 = 2;
const PNG: &str = "image/png";

/// Builds the graph that makes `count` pictures of `configuration`.
pub(super) fn build(
    configuration: &pb::Configuration,
    prompt_parts: Vec<String>,
    base: Option<&str>,
    count: i32,
) -> Graph {
    let mut nodes = vec![Node {
        name: Name::Prompt.name(),
        compose_prompt: Some(ComposePrompt { parts: prompt_parts, max_length: 0 }),
        ..Node::default()
    }];
    for index in 0..count {
        nodes.push(Node {
            name: Name::Image(index).name(),
            after: vec![Name::Prompt.name()],
            run: Some(image(configuration, base, index)),
            bindings: vec![bind(binding::Place::Prompt, Name::Prompt)],
            // One picture that cannot be made is no reason to lose the others.
            optional: true,
            timeout: Some(TIMEOUT),
            ..Node::default()
        });
    }
    for index in 0..count {
        nodes.push(Node {
            name: Name::Post(index).name(),
            after: vec![Name::Image(index).name()],
            run: Some(post(None)),
            bindings: vec![bind(binding::Place::Image, Name::Image(index))],
            optional: true,
            timeout: Some(TIMEOUT),
            ..Node::default()
        });
    }
    nodes.push(Node {
        name: Name::Gather.name(),
        after: (0..count).map(|it| Name::Post(it).name()).collect(),
        gather: Some(Gather { min_completed: 1 }),
        ..Node::default()
    });
    Graph { nodes }
}

/// The runs that one picture takes, as their cost is estimated.
pub(super) fn runs(configuration: &pb::Configuration, base: Option<&str>) -> [RunInput; 2] {
    let mut first = image(configuration, base, 0);
    if let Some(edit) = &mut first.edit_image {
        edit.prompt.clone_from(&configuration.prompt);
    }
    // Any picture stands in for the one to be made; its size is what counts.
    let made = Asset {
        source: media(&configuration.product_media_id).source,
        width_px: unsigned(configuration.width_px),
        height_px: unsigned(configuration.height_px),
        ..Asset::default()
    };
    [first, post(Some(made))]
}

fn image(configuration: &pb::Configuration, base: Option<&str>, index: i32) -> RunInput {
    let references = [
        (base.unwrap_or_default(), reference::Role::Base),
        (&configuration.product_media_id, reference::Role::Garment),
        (&configuration.subject_media_id, reference::Role::Subject),
    ];
    let references = references
        .into_iter()
        .filter(|(id, _)| !id.is_empty())
        .map(|(id, role)| Reference { image: Some(media(id)), role: role.into() })
        .collect();
    RunInput {
        edit_image: Some(EditImage {
            prompt: String::new(),
            negative_prompt: configuration.negative_prompt.clone(),
            references,
        }),
        output: Some(OutputShape {
            count: 1,
            width_px: unsigned(configuration.width_px),
            height_px: unsigned(configuration.height_px),
            media_type: PNG.to_owned(),
        }),
        seed: Some(configuration.seed.wrapping_add(unsigned(index))),
        ..RunInput::default()
    }
}

fn post(made: Option<Asset>) -> RunInput {
    RunInput {
        upscale: Some(Upscale { image: made, factor: FACTOR }),
        output: Some(OutputShape { count: 1, media_type: PNG.to_owned(), ..Default::default() }),
        ..RunInput::default()
    }
}

fn media(id: &str) -> Asset {
    Asset { source: Some(asset::Source::MediaId(id.to_owned())), ..Asset::default() }
}

fn bind(place: binding::Place, node: Name) -> Binding {
    Binding { place: place.into(), node: node.name(), output: 0 }
}

fn unsigned(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_is_made_and_finished_by_itself() {
        let configuration = pb::Configuration {
            product_media_id: "m".into(),
            seed: u32::MAX,
            ..Default::default()
        };
        let graph = build(&configuration, vec!["a blazer".into()], None, 3);
        let names: Vec<_> = graph.nodes.iter().map(|it| &*it.name).collect();
        assert_eq!(
            names,
            ["prompt", "image_0", "image_1", "image_2", "post_0", "post_1", "post_2", "gather"]
        );
        let seed = |it: usize| graph.nodes[it].run.as_ref().and_then(|it| it.seed);
        assert_eq!([seed(1), seed(2)], [Some(u32::MAX), Some(0)]);
        assert_eq!(graph.nodes[7].after, ["post_0", "post_1", "post_2"]);
    }

    #[test]
    fn a_revision_starts_from_the_picture_that_it_changes() {
        let configuration =
            pb::Configuration { product_media_id: "m".into(), ..Default::default() };
        let graph = build(&configuration, vec![String::new()], Some("base"), 1);
        let edit = graph.nodes[1].run.as_ref().and_then(|it| it.edit_image.as_ref());
        let first = edit.and_then(|it| it.references.first()).map(|it| it.role());
        assert_eq!(first, Some(reference::Role::Base));
    }
}
