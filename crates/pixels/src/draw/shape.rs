//! Shapes as signed distances.

/// A shape, in pixels of the picture it is painted on.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// An ellipse that stands upright.
    Ellipse {
        /// The middle.
        centre: (f32, f32),
        /// Half the width and half the height.
        radii: (f32, f32),
    },
    /// A rounded stroke that may taper: an arm, a leg, a neck.
    Limb {
        /// Where it begins.
        from: (f32, f32),
        /// Where it ends.
        to: (f32, f32),
        /// Half its thickness at the beginning.
        from_radius: f32,
        /// Half its thickness at the end.
        to_radius: f32,
    },
    /// A closed line through at least three points.
    Polygon(Vec<(f32, f32)>),
}

impl Shape {
    /// The corners of the box around it: left, top, right, bottom.
    pub fn bounds(&self) -> (f32, f32, f32, f32) {
        match self {
            Self::Ellipse { centre: (x, y), radii: (rx, ry) } => (x - rx, y - ry, x + rx, y + ry),
            Self::Limb { from, to, from_radius, to_radius } => {
                let r = from_radius.max(*to_radius);
                let (left, right) = (from.0.min(to.0), from.0.max(to.0));
                let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
                (left - r, top - r, right + r, bottom + r)
            }
            Self::Polygon(points) => {
                let start = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
                points.iter().fold(start, |(left, top, right, bottom), (x, y)| {
                    (left.min(*x), top.min(*y), right.max(*x), bottom.max(*y))
                })
            }
        }
    }

    /// The signed distance of a point, and its place across the shape from -1 to 1.
    fn at(&self, x: f32, y: f32, bounds: (f32, f32, f32, f32)) -> (f32, f32) {
        match self {
            Self::Ellipse { centre, radii } => {
                let (dx, dy) = ((x - centre.0) / radii.0, (y - centre.1) / radii.1);
                (((dx * dx + dy * dy).sqrt() - 1.0) * radii.0.min(radii.1), dx)
            }
            Self::Limb { from, to, from_radius, to_radius } => {
                let (ax, ay) = (to.0 - from.0, to.1 - from.1);
                let (px, py) = (x - from.0, y - from.1);
                let along = ((px * ax + py * ay) / (ax * ax + ay * ay).max(0.001)).clamp(0.0, 1.0);
                let (dx, dy) = (px - along * ax, py - along * ay);
                let radius = from_radius + (to_radius - from_radius) * along;
                ((dx * dx + dy * dy).sqrt() - radius, (dx / radius.max(0.001)).clamp(-1.0, 1.0))
            }
            Self::Polygon(points) => {
                let middle = (bounds.0 + bounds.2) / 2.0;
                let half = ((bounds.2 - bounds.0) / 2.0).max(0.001);
                (polygon(points, x, y), (x - middle) / half)
            }
        }
    }
}

/// Calls back for each pixel that the shape covers, with x, y, coverage and place across.
pub(super) fn each(
    shape: &Shape,
    softness: f32,
    (width, height): (u32, u32),
    mut found: impl FnMut(usize, usize, f32, f32),
) {
    let bounds = shape.bounds();
    let softness = softness.max(0.5);
    let first = |edge: f32| (edge - softness).max(0.0) as usize;
    let last = |edge: f32, side: u32| ((edge + softness).max(0.0) as usize + 1).min(side as usize);
    for y in first(bounds.1)..last(bounds.3, height) {
        for x in first(bounds.0)..last(bounds.2, width) {
            let (distance, across) = shape.at(x as f32, y as f32, bounds);
            let coverage = super::smooth(0.5 - distance / softness);
            if coverage > 0.0 {
                found(x, y, coverage, across);
            }
        }
    }
}

/// The signed distance to a closed line: the nearest edge, negative inside by the crossing rule.
fn polygon(points: &[(f32, f32)], x: f32, y: f32) -> f32 {
    let (mut nearest, mut is_inside) = (f32::MAX, false);
    let Some(mut before) = points.last().copied() else { return f32::MAX };
    for here in points.iter().copied() {
        let (ex, ey) = (before.0 - here.0, before.1 - here.1);
        let (px, py) = (x - here.0, y - here.1);
        let along = ((px * ex + py * ey) / (ex * ex + ey * ey).max(0.001)).clamp(0.0, 1.0);
        nearest = nearest.min((px - ex * along).powi(2) + (py - ey * along).powi(2));
        if (here.1 > y) != (before.1 > y) && px < ex * py / ey {
            is_inside = !is_inside;
        }
        before = here;
    }
    let distance = nearest.sqrt();
    if is_inside { -distance } else { distance }
}
