//! How large a picture was asked for.

use serde_json::{Value, json};

use super::form::Form;
use crate::refusal::Problem;

/// The named sizes.
const NAMED: [(&str, (u32, u32)); 6] = [
    ("square_hd", (1024, 1024)),
    ("square", (512, 512)),
    ("portrait_4_3", (768, 1024)),
    ("portrait_16_9", (576, 1024)),
    ("landscape_4_3", (1024, 768)),
    ("landscape_16_9", (1024, 576)),
];

/// The sides a model gives each ratio, at one megapixel.
const RATIOS: [(&str, (u32, u32)); 14] = [
    ("21:9", (1536, 672)),
    ("16:9", (1344, 768)),
    ("3:2", (1248, 832)),
    ("4:3", (1184, 864)),
    ("5:4", (1152, 896)),
    ("1:1", (1024, 1024)),
    ("4:5", (896, 1152)),
    ("3:4", (864, 1184)),
    ("2:3", (832, 1248)),
    ("9:16", (768, 1344)),
    ("9:21", (672, 1536)),
    ("8:1", (2896, 362)),
    ("4:1", (2048, 512)),
    ("1:4", (512, 2048)),
];

/// How large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Exactly so.
    Exact(u32, u32),
    /// The shape of the first picture that came in, at about this many pixels.
    LikeInput { pixels: u32 },
}

impl Size {
    /// The sides, given the first picture that came in.
    pub(crate) fn of(self, input: Option<(u32, u32)>) -> (u32, u32) {
        match (self, input) {
            (Self::Exact(width, height), _) => (width, height),
            (Self::LikeInput { pixels }, Some((width, height))) => {
                let scale = (f64::from(pixels) / (f64::from(width) * f64::from(height))).sqrt();
                let side =
                    |it: u32| ((f64::from(it) * scale / 16.0).round() as u32 * 16).clamp(256, 4096);
                (side(width), side(height))
            }
            (Self::LikeInput { .. }, None) => (1024, 1024),
        }
    }
}

impl Form<'_> {
    /// `image_size`: a name, or `{width, height}`.
    pub(crate) fn image_size(&mut self, default: Size) -> Size {
        match self.value("image_size") {
            None => default,
            Some(Value::Object(sides)) => {
                let side = |name: &str| sides.get(name).and_then(Value::as_u64);
                match (side("width"), side("height")) {
                    (Some(width @ 64..=4096), Some(height @ 64..=4096)) => {
                        Size::Exact(width as u32, height as u32)
                    }
                    _ => {
                        let msg = "Input should be a width and a height between 64 and 4096";
                        let problem = Problem::new("image_size", None, "less_than_equal", msg);
                        self.complain(problem.with(json!({"ge": 64, "le": 4096})));
                        default
                    }
                }
            }
            Some(Value::String(name)) => match name.as_str() {
                "auto" => Size::LikeInput { pixels: 1 << 20 },
                "auto_2K" => Size::LikeInput { pixels: 4 << 20 },
                "auto_4K" => Size::LikeInput { pixels: 15 << 20 },
                name => match NAMED.iter().find(|(it, _)| *it == name) {
                    Some((_, (width, height))) => Size::Exact(*width, *height),
                    None => self.no_such_size(default),
                },
            },
            Some(_) => self.no_such_size(default),
        }
    }

    /// `aspect_ratio`, enlarged by `resolution`'s factor.
    pub(crate) fn aspect_ratio(&mut self, default: Option<&str>, factor: f64) -> Size {
        let pixels = (f64::from(1 << 20) * factor * factor) as u32;
        let allowed: Vec<&str> = ["auto"].into_iter().chain(RATIOS.map(|(it, _)| it)).collect();
        let ratio = self.choice("aspect_ratio", &allowed, default.unwrap_or("auto"));
        let side = |it: u32| (f64::from(it) * factor).round() as u32;
        match RATIOS.iter().find(|(it, _)| *it == ratio) {
            Some((_, (width, height))) => Size::Exact(side(*width), side(*height)),
            None => Size::LikeInput { pixels },
        }
    }

    fn no_such_size(&mut self, default: Size) -> Size {
        let names: Vec<&str> = NAMED.iter().map(|(it, _)| *it).collect();
        let msg = format!("Input should be a size object or one of {}", names.join(", "));
        let problem = Problem::new("image_size", None, "one_of", msg);
        self.complain(problem.with(json!({"expected": names})));
        default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> (Size, usize) {
        let mut form = Form::new(&body);
        let size = form.image_size(Size::Exact(1, 1));
        (size, form.problems().len())
    }

    #[test]
    fn sizes_are_read_in_every_spelling() {
        assert_eq!(read(json!({})), (Size::Exact(1, 1), 0));
        assert_eq!(read(json!({"image_size": "portrait_4_3"})), (Size::Exact(768, 1024), 0));
        let exact = json!({"image_size": {"width": 1000, "height": 1500}});
        assert_eq!(read(exact), (Size::Exact(1000, 1500), 0));
        assert_eq!(read(json!({"image_size": "huge"})).1, 1);
        assert_eq!(read(json!({"image_size": {"width": 9, "height": 9}})).1, 1);
        assert_eq!(read(json!({"image_size": 7})).1, 1);
    }

    #[test]
    fn the_input_gives_the_shape() {
        let size = Size::LikeInput { pixels: 1 << 20 };
        assert_eq!(size.of(Some((600, 900))), (832, 1248));
        assert_eq!(size.of(None), (1024, 1024));
        let body = json!({"aspect_ratio": "2:3"});
        assert_eq!(Form::new(&body).aspect_ratio(None, 2.0), Size::Exact(1664, 2496));
    }
}
