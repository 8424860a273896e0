//! Somebody to wear it: a figure in a pose, in proportions that tailors use.

use pixels::Picture;
use pixels::draw::{Paint, Shape};

use super::dice::Dice;
use super::palette::{Palette, scaled, solid};

/// A figure, in pixels of the picture it stands in. Its height is eight heads less a half.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    /// The middle of the shoulders, from the left.
    pub(super) x: f32,
    /// The crown of the head, from the top.
    pub(super) top: f32,
    /// From crown to sole.
    pub(super) height: f32,
    /// How far the hips are shifted, as a share of the height.
    pub(super) hip: f32,
    arms: [f32; 2],
    stance: f32,
}

/// How much of a figure is in the picture.
const FRAMINGS: [(f32, f32); 4] = [(0.90, 0.05), (0.84, 0.09), (1.22, 0.07), (1.36, 0.06)];

impl Body {
    /// A figure as the words want it framed, and as the die wants it posed.
    pub(super) fn pose(prompt: &str, (width, height): (u32, u32), dice: &mut Dice) -> Self {
        let (width, height) = (width as f32, height as f32);
        let prompt = prompt.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|it| prompt.contains(it));
        let rolled = dice.one_of(&FRAMINGS);
        let (scale, top) = if has(&["full body", "full-body", "full length", "full-length"]) {
            (0.90, 0.05)
        } else if has(&["close-up", "close up", "closeup", "detail"]) {
            (2.3, -0.10)
        } else if has(&["waist up", "waist-up", "half body", "portrait of", "upper body"]) {
            (1.7, 0.07)
        } else {
            rolled
        };
        let place = dice.between(0.36, 0.64);
        let scale = scale * dice.between(0.90, 1.02);
        let top = top + dice.between(0.0, 0.03);
        Self {
            x: width * place,
            top: height * top,
            height: height * scale,
            hip: dice.between(-0.022, 0.022),
            arms: [dice.between(0.05, 0.95), dice.between(0.05, 0.95)],
            stance: dice.between(0.03, 0.085),
        }
    }

    /// A figure that is already in a photograph.
    pub(super) fn standing(x: f32, top: f32, height: f32) -> Self {
        Self { x, top, height, hip: 0.0, arms: [0.2, 0.2], stance: 0.05 }
    }

    /// A place on the body: `across` from the middle, `down` from the crown, in heights.
    pub(super) fn at(&self, across: f32, down: f32) -> (f32, f32) {
        // The shift is greatest at the hips and fades towards shoulders and feet.
        let sway = self.hip * (1.0 - ((down - 0.5) / 0.5).powi(2)).max(0.0);
        (self.x + (across + sway) * self.height, self.top + down * self.height)
    }

    /// The head, as an ellipse.
    pub(super) fn head(&self) -> Shape {
        Shape::Ellipse {
            centre: self.at(0.0, 0.066),
            radii: (0.047 * self.height, 0.066 * self.height),
        }
    }

    /// Paints the figure without head and garment.
    pub(super) fn paint(&self, picture: &mut Picture, palette: &Palette, light: f32) {
        let skin = self.brush(palette.skin, light);
        let cloth = self.brush(palette.second, light);
        self.shadow(picture, light);
        for side in [-1.0, 1.0] {
            let foot = side * self.stance;
            self.limb(picture, (side * 0.045, 0.52), (foot, 0.93), (0.056, 0.030), &cloth);
            let shoe = self.brush(scaled(palette.second, 0.5), light);
            self.limb(picture, (foot, 0.955), (foot + side * 0.02, 0.972), (0.024, 0.020), &shoe);
        }
        self.limb(picture, (0.0, 0.11), (0.0, 0.18), (0.027, 0.033), &skin);
        let torso = [
            (-0.112, 0.182),
            (-0.030, 0.160),
            (0.030, 0.160),
            (0.112, 0.182),
            (0.094, 0.270),
            (0.076, 0.385),
            (0.098, 0.520),
            (-0.098, 0.520),
            (-0.076, 0.385),
            (-0.094, 0.270),
        ];
        let torso = torso.map(|(across, down)| self.at(across, down)).to_vec();
        let under = self.brush(scaled(palette.second, 1.5), light);
        picture.paint(&Shape::Polygon(torso), &under);
        for (side, bend) in [-1.0, 1.0].into_iter().zip(self.arms) {
            let elbow = (side * (0.118 + 0.10 * bend), 0.345 - 0.03 * bend);
            // A much bent arm has its hand on the hip.
            let reach = if bend > 0.6 { 0.115 } else { 0.125 + 0.05 * bend };
            let wrist = (side * reach, 0.475 - 0.04 * bend);
            self.limb(picture, (side * 0.100, 0.202), elbow, (0.029, 0.025), &skin);
            self.limb(picture, elbow, wrist, (0.025, 0.018), &skin);
            let hand = (wrist.0 - side * 0.004, wrist.1 + 0.033);
            self.limb(picture, wrist, hand, (0.020, 0.014), &skin);
        }
    }

    /// Paints a head that nobody sent in.
    pub(super) fn paint_head(&self, picture: &mut Picture, palette: &Palette, light: f32) {
        let hair = self.brush(palette.hair, light);
        let centre = self.at(0.0, 0.058);
        let radii = (0.054 * self.height, 0.070 * self.height);
        picture.paint(&Shape::Ellipse { centre, radii }, &hair);
        let skin = self.brush(palette.skin, light);
        let centre = self.at(0.0, 0.076);
        let radii = (0.041 * self.height, 0.054 * self.height);
        picture.paint(&Shape::Ellipse { centre, radii }, &skin);
        for side in [-1.0, 1.0] {
            let centre = self.at(side * 0.016, 0.070);
            let radii = (0.0062 * self.height, 0.0034 * self.height);
            picture.paint(&Shape::Ellipse { centre, radii }, &Paint::flat([42, 30, 26, 255]));
        }
        let [r, g, b] = scaled(palette.skin, 0.78);
        let (from, to) = (self.at(-0.011, 0.101), self.at(0.011, 0.101));
        let radius = 0.0026 * self.height;
        let mouth = Shape::Limb { from, to, from_radius: radius, to_radius: radius };
        picture.paint(&mouth, &Paint::flat([r, g / 2 + 20, b / 2 + 30, 255]));
    }

    /// The shadow on the floor.
    fn shadow(&self, picture: &mut Picture, light: f32) {
        let centre = self.at(-light * 0.05, 0.975);
        let radii = (0.17 * self.height, 0.022 * self.height);
        let paint = Paint { softness: 0.05 * self.height, ..Paint::flat([20, 18, 24, 110]) };
        picture.paint(&Shape::Ellipse { centre, radii }, &paint);
    }

    fn limb(
        &self,
        picture: &mut Picture,
        from: (f32, f32),
        to: (f32, f32),
        radii: (f32, f32),
        paint: &Paint,
    ) {
        let shape = Shape::Limb {
            from: self.at(from.0, from.1),
            to: self.at(to.0, to.1),
            from_radius: radii.0 * self.height,
            to_radius: radii.1 * self.height,
        };
        picture.paint(&shape, paint);
    }

    fn brush(&self, colour: [u8; 3], light: f32) -> Paint {
        let softness = (self.height / 500.0).max(1.5);
        Paint { colour: solid(colour), softness, roundness: 0.9, light }
    }
}
