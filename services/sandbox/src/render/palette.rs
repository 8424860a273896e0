//! Colours, from words where there are any and from the die where there are none.

use super::dice::Dice;

/// Words that name a colour: hue in degrees, saturation, lightness.
const NAMED: [(&str, [f32; 3]); 24] = [
    ("burgundy", [345.0, 0.60, 0.26]),
    ("crimson", [350.0, 0.75, 0.42]),
    ("red", [358.0, 0.72, 0.45]),
    ("rust", [16.0, 0.60, 0.38]),
    ("orange", [26.0, 0.85, 0.54]),
    ("mustard", [44.0, 0.70, 0.47]),
    ("yellow", [50.0, 0.85, 0.58]),
    ("olive", [66.0, 0.35, 0.33]),
    ("green", [140.0, 0.45, 0.36]),
    ("mint", [156.0, 0.40, 0.76]),
    ("teal", [182.0, 0.55, 0.32]),
    ("turquoise", [176.0, 0.55, 0.55]),
    ("navy", [222.0, 0.50, 0.20]),
    ("blue", [214.0, 0.60, 0.46]),
    ("purple", [276.0, 0.42, 0.42]),
    ("lavender", [262.0, 0.42, 0.78]),
    ("pink", [338.0, 0.60, 0.74]),
    ("brown", [24.0, 0.42, 0.28]),
    ("camel", [33.0, 0.45, 0.54]),
    ("beige", [36.0, 0.34, 0.76]),
    ("cream", [44.0, 0.42, 0.89]),
    ("black", [220.0, 0.06, 0.11]),
    ("white", [40.0, 0.10, 0.94]),
    ("grey", [214.0, 0.05, 0.55]),
];

/// Words that name a place: the wall's hue, saturation and lightness.
const PLACES: [(&str, [f32; 3]); 14] = [
    ("beach", [198.0, 0.45, 0.74]),
    ("forest", [120.0, 0.26, 0.34]),
    ("garden", [104.0, 0.30, 0.56]),
    ("sunset", [18.0, 0.60, 0.62]),
    ("golden hour", [34.0, 0.62, 0.66]),
    ("night", [232.0, 0.34, 0.20]),
    ("neon", [292.0, 0.55, 0.32]),
    ("street", [214.0, 0.10, 0.56]),
    ("city", [214.0, 0.14, 0.50]),
    ("desert", [32.0, 0.44, 0.68]),
    ("snow", [206.0, 0.20, 0.90]),
    ("white background", [40.0, 0.02, 0.96]),
    ("dark", [228.0, 0.12, 0.18]),
    ("minimal", [38.0, 0.08, 0.88]),
];

/// The colours of one picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) wall: [f32; 3],
    pub(super) garment: [u8; 3],
    pub(super) second: [u8; 3],
    pub(super) skin: [u8; 3],
    pub(super) hair: [u8; 3],
}

impl Palette {
    pub(super) fn of(prompt: &str, dice: &mut Dice) -> Self {
        let prompt = prompt.to_lowercase();
        // Rolled whether or not a word decides, so that one word changes one colour.
        let wall = [dice.between(0.0, 360.0), dice.between(0.04, 0.30), dice.between(0.58, 0.88)];
        let garment = [dice.between(0.0, 360.0), dice.between(0.3, 0.7), dice.between(0.25, 0.6)];
        let second =
            [dice.between(190.0, 260.0), dice.between(0.05, 0.35), dice.between(0.14, 0.4)];
        let skin = [dice.between(18.0, 30.0), dice.between(0.34, 0.55), dice.between(0.30, 0.74)];
        let hair = [dice.between(15.0, 42.0), dice.between(0.1, 0.5), dice.between(0.08, 0.42)];
        let place = earliest(&prompt, &PLACES).map(|[h, s, l]| {
            // A place keeps its colour and changes its hour.
            let hue = h + wall[0] / 9.0 - 20.0;
            [hue, s * (0.7 + wall[1] * 2.0), (l + (wall[2] - 0.73) * 0.7).clamp(0.08, 0.97)]
        });
        Self {
            wall: place.unwrap_or(wall),
            garment: rgb(earliest(&prompt, &NAMED).unwrap_or(garment)),
            second: rgb(second),
            skin: rgb(skin),
            hair: rgb(hair),
        }
    }
}

/// The name of the word that is nearest to a colour.
pub(super) fn name(colour: [u8; 3]) -> &'static str {
    let apart = |it: [u8; 3]| -> i32 {
        it.iter().zip(colour).map(|(a, b)| (i32::from(*a) - i32::from(b)).pow(2)).sum()
    };
    NAMED.iter().min_by_key(|(_, it)| apart(rgb(*it))).map_or("grey", |(name, _)| name)
}

fn earliest(prompt: &str, words: &[(&str, [f32; 3])]) -> Option<[f32; 3]> {
    words
        .iter()
        .filter_map(|(word, colour)| Some((prompt.find(word)?, *colour)))
        .min_by_key(|(at, _)| *at)
        .map(|(_, colour)| colour)
}

/// Hue in degrees, saturation and lightness to red, green and blue.
pub(super) fn rgb([hue, saturation, lightness]: [f32; 3]) -> [u8; 3] {
    let reach = saturation * lightness.min(1.0 - lightness);
    [0.0, 8.0, 4.0].map(|offset| {
        let turn = (offset + hue.rem_euclid(360.0) / 30.0) % 12.0;
        let value = lightness - reach * (turn - 3.0).min(9.0 - turn).clamp(-1.0, 1.0);
        (value * 255.0).round().clamp(0.0, 255.0) as u8
    })
}

/// A colour made lighter (above 1) or darker (below).
pub(super) fn scaled(colour: [u8; 3], factor: f32) -> [u8; 3] {
    colour.map(|it| (f32::from(it) * factor).clamp(0.0, 255.0) as u8)
}

/// A colour that covers wholly.
pub(super) fn solid([r, g, b]: [u8; 3]) -> [u8; 4] {
    [r, g, b, 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_colours() {
        let mut dice = Dice::new([7; 32]);
        let [r, g, b] = Palette::of("a red wool coat", &mut dice).garment;
        assert!(r > 150 && g < 80 && b < 80, "{r} {g} {b}");
        assert_eq!(name([190, 30, 35]), "red");
        assert_eq!(rgb([0.0, 0.0, 1.0]), [255, 255, 255]);
        assert_eq!(rgb([120.0, 1.0, 0.5]), [0, 255, 0]);
    }
}
