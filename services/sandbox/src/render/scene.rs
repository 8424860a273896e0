//! A picture from words, worn by a figure in a place.
//!
//! The first reference is the garment, the second the person, the third a style; words such as
//! "image 2 is the model" change who is who.

use pixels::Picture;

use super::backdrop;
use super::dice::Dice;
use super::dress::{self, Place};
use super::figure::Body;
use super::palette::Palette;
use super::person::Face;

/// Who is who among the references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Garment,
    Person,
    Style,
}

pub(super) fn render(
    prompt: &str,
    references: &[Picture],
    size: (u32, u32),
    dice: &mut Dice,
) -> Picture {
    let roles = roles(prompt, references.len());
    let find = |role| references.iter().zip(&roles).find(|(_, it)| **it == role).map(|(it, _)| it);
    let mut palette = Palette::of(prompt, dice);
    let face = find(Role::Person).map(Face::find);
    if let Some(face) = &face {
        palette.skin = face.skin;
    }
    let (mut picture, light) = backdrop::paint(size, &palette, find(Role::Style), dice);
    let body = Body::pose(prompt, size, dice);
    body.paint(&mut picture, &palette, light);
    let garments: Vec<&Picture> = references
        .iter()
        .zip(&roles)
        .filter(|(_, it)| **it == Role::Garment)
        .map(|(it, _)| it)
        .collect();
    let places: Vec<Place> = garments.iter().map(|it| Place::guess(prompt, it)).collect();
    let has_top = places.iter().any(|it| matches!(it, Place::Top | Place::Whole));
    if !has_top {
        dress::dress_plainly(&mut picture, &body, &palette, light, dice);
    }
    match &face {
        Some(face) => dress::head(&mut picture, &body, face, light),
        None => body.paint_head(&mut picture, &palette, light),
    }
    let mut taken = Vec::new();
    for (garment, place) in garments.into_iter().zip(places) {
        // Several views of one garment are one garment.
        if !taken.contains(&place) {
            taken.push(place);
            dress::dress(&mut picture, &body, garment, place, light);
        }
    }
    picture.develop(dice.roll(), dice.between(2.0, 5.0), dice.between(0.1, 0.4));
    picture
}

fn roles(prompt: &str, n_references: usize) -> Vec<Role> {
    let prompt = prompt.to_lowercase();
    let by_place = |index| match index {
        0 => Role::Garment,
        1 => Role::Person,
        _ => Role::Style,
    };
    let mut roles: Vec<Role> =
        (0..n_references).map(|index| told(&prompt, index).unwrap_or(by_place(index))).collect();
    if n_references > 0 && !roles.contains(&Role::Garment) && !prompt.contains("no garment") {
        // Somebody sent pictures to be worn: the first that is not told otherwise is.
        if let Some(index) = (0..n_references).find(|it| told(&prompt, *it).is_none()) {
            roles[index] = Role::Garment;
        }
    }
    roles
}

/// What the words after "image 2" say that it is.
fn told(prompt: &str, index: usize) -> Option<Role> {
    let number = index + 1;
    let ordinal =
        ["first", "second", "third", "fourth", "fifth", "sixth"].get(index).unwrap_or(&"nth");
    let mentions =
        [format!("image {number}"), format!("image #{number}"), format!("{ordinal} image")];
    let after = mentions.iter().find_map(|it| Some(prompt.split_once(it.as_str())?.1))?;
    // As far as the next picture is spoken of.
    let after = &after[..after.find("image").unwrap_or(after.len())];
    let after: String = after.chars().take(80).collect();
    let words = [
        (Role::Person, &["model", "person", "subject", "face", "woman", "man ", "identity"][..]),
        (Role::Style, &["style", "mood", "background", "backdrop", "location", "lighting"]),
        (
            Role::Garment,
            &[
                "garment", "product", "cloth", "dress", "shirt", "jacket", "trouser", "outfit",
                "shoe", "bag",
            ],
        ),
    ];
    words
        .iter()
        .filter_map(|(role, words)| {
            Some((words.iter().filter_map(|it| after.find(it)).min()?, *role))
        })
        .min_by_key(|(at, _)| *at)
        .map(|(_, role)| role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_decide_unless_words_do() {
        use Role::{Garment, Person, Style};
        assert_eq!(roles("a blazer", 3), [Garment, Person, Style]);
        let words = "Image 1 is the model. Image 2 shows the garment. Use the style of image 3.";
        assert_eq!(roles(words, 3), [Person, Garment, Style]);
        assert_eq!(
            roles("the person in the first image wears the second image's dress", 2)[1],
            Garment
        );
    }
}
