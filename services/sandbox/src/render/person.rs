//! Finding a person in a picture that was sent in: where the head is, and how tall the rest would be.

use pixels::Picture;

/// How much of a figure's height is above the neck's narrowest place.
const HEAD_SHARE: f32 = 0.128;

/// Where somebody stands in a picture, in its pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The middle of the head, from the left.
    pub(super) x: f32,
    /// The crown, from the top.
    pub(super) top: f32,
    /// From crown to neck.
    pub(super) head: f32,
}

impl Place {
    /// From crown to sole, whether or not the soles are in the picture.
    pub(super) fn height(&self) -> f32 {
        self.head / HEAD_SHARE
    }

    /// Finds whoever stands out from the background of `cut`: down to the neck where there is one,
    /// else in the proportions of a figure or of a bust.
    pub(super) fn find(cut: &Picture, is_clean: bool) -> Self {
        let (width, height) = (cut.width() as f32, cut.height() as f32);
        // Where nothing stands out: somebody in the middle, from head to foot.
        let guess = Self { x: width / 2.0, top: height * 0.05, head: height * 0.125 };
        if !is_clean {
            return guess;
        }
        let rows: Vec<Option<(f32, f32)>> = (0..cut.height()).map(|y| run(cut, y)).collect();
        // The first rows that are wider than a stray hair.
        let Some(top) = rows
            .windows(3)
            .position(|it| it.iter().all(|row| row.is_some_and(|(_, wide)| wide > width * 0.03)))
        else {
            return guess;
        };
        let bottom = rows.iter().rposition(Option::is_some).unwrap_or(top);
        let tall = (bottom - top + 1) as f32;
        let (mut widest, mut narrowest) = ((0.0f32, 0.0f32), None::<(f32, usize)>);
        for (y, row) in rows.iter().enumerate().take(top + (tall * 0.75) as usize).skip(top) {
            let Some((middle, wide)) = *row else { break };
            match narrowest {
                None if wide >= widest.1 => widest = (middle, wide),
                // Past the ears: a neck is clearly narrower than the head.
                None if (y - top) as f32 > tall / 20.0 && wide < widest.1 * 0.8 => {
                    narrowest = Some((wide, y));
                }
                Some((least, _)) if wide < least => narrowest = Some((wide, y)),
                // Shoulders: the neck was above.
                Some((least, neck)) if wide > least * 1.4 => {
                    return Self { x: widest.0, top: top as f32, head: (neck - top) as f32 };
                }
                _ => {}
            }
        }
        let broad = rows.iter().flatten().map(|(_, wide)| *wide).fold(1.0, f32::max);
        let head = if tall > broad * 2.2 { tall * HEAD_SHARE } else { broad * 0.6 };
        let x = rows[top..].iter().flatten().next().map_or(guess.x, |(middle, _)| *middle);
        Self { x, top: top as f32, head: head.min(tall * 0.9) }
    }
}

/// A person's head, as found in a picture.
pub(super) struct Face {
    pub(super) picture: Picture,
    pub(super) skin: [u8; 3],
}

impl Face {
    pub(super) fn find(person: &Picture) -> Self {
        let cut = person.cut_out(36);
        let place = Place::find(&cut.picture, cut.is_clean);
        let side = place.head.max(8.0);
        let source = if cut.is_clean { &cut.picture } else { person };
        let left = (place.x - side * 0.42).max(0.0) as u32;
        let picture =
            source.crop(left, place.top as u32, (side * 0.84) as u32, (side * 1.12) as u32);
        let (width, height) = (picture.width(), picture.height());
        let skin = picture.crop(width * 3 / 8, height * 9 / 20, width / 4, height / 5).average();
        Self { picture, skin }
    }
}

/// The middle and the width of the longest opaque run of a row that touches the picture's middle
/// half: what stands at the sides is not somebody.
fn run(cut: &Picture, y: u32) -> Option<(f32, f32)> {
    let (from, to) = (cut.width() / 4, cut.width() * 3 / 4);
    let mut longest: Option<(u32, u32)> = None;
    let mut start = None;
    for x in 0..=cut.width() {
        let is_opaque = x < cut.width() && cut.get(x, y)[3] > 128;
        match (is_opaque, start) {
            (true, None) => start = Some(x),
            (false, Some(begin)) => {
                let is_central = begin < to && x > from;
                if is_central && longest.is_none_or(|(a, b)| b - a < x - begin) {
                    longest = Some((begin, x));
                }
                start = None;
            }
            _ => {}
        }
    }
    longest.map(|(begin, end)| ((begin + end) as f32 / 2.0, (end - begin) as f32))
}

#[cfg(test)]
mod tests {
    use pixels::draw::{Paint, Shape};

    use super::*;

    #[test]
    fn the_head_is_found_above_the_neck() {
        let mut picture = Picture::filled(400, 500, [220, 222, 224, 255]);
        let dark = Paint::flat([60, 50, 50, 255]);
        picture.paint(&Shape::Ellipse { centre: (210.0, 130.0), radii: (60.0, 80.0) }, &dark);
        let neck = vec![(185.0, 190.0), (235.0, 190.0), (235.0, 260.0), (185.0, 260.0)];
        picture.paint(&Shape::Polygon(neck), &dark);
        picture.paint(&Shape::Ellipse { centre: (210.0, 420.0), radii: (150.0, 180.0) }, &dark);
        // Something at the side that is taller.
        let pole = vec![(5.0, 0.0), (25.0, 0.0), (25.0, 499.0), (5.0, 499.0)];
        picture.paint(&Shape::Polygon(pole), &dark);
        let cut = picture.cut_out(36);
        assert!(cut.is_clean);
        let place = Place::find(&cut.picture, true);
        assert!((place.x - 210.0).abs() < 8.0, "{place:?}");
        assert!((place.top - 50.0).abs() < 6.0, "{place:?}");
        assert!((145.0..215.0).contains(&place.head), "{place:?}");
    }
}
