//! Holding a request against the limits of its model: what is near is rounded and said so, what is
//! beyond is refused before anything is paid for.

use crate::failure::{Code, Failure, Result};
use crate::model::{Limits, Model, Sizes};
use crate::order::{Asset, Order};
use crate::task::{Prepared, Size, Task};

/// How far the asked shape may be from the nearest one, as a factor in hundredths: a square may still
/// become a film, whose shapes are 16:9 and 9:16.
const FARTHEST_RATIO: u64 = 180;

/// Fits `order` to `model`; the sentences say what was rounded.
pub(crate) fn snap(
    model: &Model,
    run_id: String,
    order: Order,
) -> Result<(Prepared<Asset>, Vec<String>)> {
    let limits = &model.limits;
    if order.task.capability() != model.capability {
        return Err(Failure::new(
            Code::Unsupported,
            format!("the model `{}` cannot do this task", model.id),
        ));
    }
    if limits.max_outputs < order.count {
        return Err(beyond(format!(
            "at most {} outputs can be asked of `{}` at once, not {}",
            limits.max_outputs, model.id, order.count
        )));
    }
    let mut adjustments = Vec::new();
    let media_type = media_type(limits, &order.media_type, &mut adjustments)?;
    let task = fit_task(model, order.task, &mut adjustments)?;
    let (size, ratio) = fit_size(limits, order.width, order.height, &mut adjustments)?;
    let seed = order.seed.filter(|_| limits.seed);
    if order.seed.is_some() && seed.is_none() {
        adjustments.push("the seed was left out: the model takes none".into());
    }
    let prepared = Prepared {
        run_id,
        model: order.model,
        task,
        count: order.count,
        size,
        ratio,
        media_type,
        seed,
    };
    Ok((prepared, adjustments))
}

fn media_type(limits: &Limits, asked: &str, adjustments: &mut Vec<String>) -> Result<String> {
    let usual = limits.media_types.first().map_or("image/png", String::as_str);
    if asked.is_empty() || limits.media_types.iter().any(|it| it == asked) {
        return Ok(if asked.is_empty() { usual } else { asked }.to_owned());
    }
    // A picture is no film, whatever is rounded.
    let family = |it: &str| it.split('/').next().map(str::to_owned);
    if family(asked) != family(usual) {
        return Err(beyond(format!("the model makes {usual}, not `{asked}`")));
    }
    adjustments.push(format!("the media type {asked} was changed to {usual}"));
    Ok(usual.to_owned())
}

fn fit_task(
    model: &Model,
    mut task: Task<Asset>,
    adjustments: &mut Vec<String>,
) -> Result<Task<Asset>> {
    let limits = &model.limits;
    match &mut task {
        Task::TextToImage { prompt, negative_prompt }
        | Task::EditImage { prompt, negative_prompt, .. } => {
            check_prompt(limits, prompt)?;
            if !negative_prompt.is_empty() && !limits.negative_prompt {
                negative_prompt.clear();
                adjustments.push("the negative prompt was left out: the model takes none".into());
            }
        }
        Task::ImageToVideo { prompt, seconds, .. } => {
            check_prompt(limits, prompt)?;
            if let Some(asked) = *seconds {
                let fitted = nearest(&limits.durations, asked)?;
                if fitted != asked {
                    adjustments.push(format!("the length {asked} s was changed to {fitted} s"));
                }
                *seconds = Some(fitted);
            }
        }
        Task::Upscale { factor, .. } if limits.max_factor < *factor => {
            adjustments.push(format!("the factor {factor} was changed to {}", limits.max_factor));
            *factor = limits.max_factor;
        }
        Task::Upscale { .. } | Task::TryOn { .. } | Task::RemoveBackground { .. } => {}
    }
    if let Task::EditImage { references, .. } = &task
        && (limits.max_references as usize) < references.len()
    {
        return Err(beyond(format!(
            "at most {} references can be given to `{}`, not {}",
            limits.max_references,
            model.id,
            references.len()
        )));
    }
    Ok(task)
}

fn check_prompt(limits: &Limits, prompt: &str) -> Result<()> {
    if prompt.trim().is_empty() && !limits.prompt_optional {
        return Err(beyond("the model needs a prompt".into()));
    }
    let length = prompt.chars().count();
    if limits.max_prompt_chars < length {
        return Err(beyond(format!(
            "the prompt has {length} characters, and the model takes {}",
            limits.max_prompt_chars
        )));
    }
    Ok(())
}

/// The length nearest to `asked`; more than twice the longest is no rounding any more.
fn nearest(durations: &[u32], asked: u32) -> Result<u32> {
    let longest = durations.iter().copied().max().unwrap_or(0);
    if longest.saturating_mul(2) < asked {
        return Err(beyond(format!("films of this model last {longest} s at most, not {asked} s")));
    }
    durations
        .iter()
        .copied()
        .min_by_key(|it| it.abs_diff(asked))
        .ok_or_else(|| beyond("the length of films cannot be chosen".into()))
}

type Fitted = (Option<Size>, Option<(u32, u32)>);

fn fit_size(
    limits: &Limits,
    width: u32,
    height: u32,
    adjustments: &mut Vec<String>,
) -> Result<Fitted> {
    let (width, height) = match (width, height) {
        (0, 0) => return Ok((None, None)),
        // Half a size is taken as a square: nothing else is known about the other side.
        (side, 0) | (0, side) => (side, side),
        both => both,
    };
    match &limits.sizes {
        Sizes::Chosen { .. } | Sizes::Scaled { .. } => {
            adjustments.push(format!("the size {width}x{height} was left out: the model chooses"));
            Ok((None, None))
        }
        Sizes::Ratios { ratios, .. } => {
            let (distance, (w, h)) = ratios
                .iter()
                .map(|&(w, h)| (distance((width, height), (w, h)), (w, h)))
                .min()
                .ok_or_else(|| beyond("the size of outputs cannot be chosen".into()))?;
            if FARTHEST_RATIO < distance {
                return Err(beyond(format!(
                    "the model makes nothing of the shape {width}x{height}; the nearest is {w}:{h}"
                )));
            }
            adjustments.push(format!("the size {width}x{height} was changed to the shape {w}:{h}"));
            Ok((Some(Size { width, height }), Some((w, h))))
        }
        &Sizes::Free { multiple, min_side, max_side, max_pixels, .. } => {
            let fitted = scale(width, height, multiple, min_side, max_side, max_pixels);
            if FARTHEST_RATIO < distance((width, height), (fitted.width, fitted.height)) {
                return Err(beyond(format!(
                    "the model makes nothing of the shape {width}x{height}"
                )));
            }
            if (fitted.width, fitted.height) != (width, height) {
                adjustments.push(format!(
                    "the size {width}x{height} was changed to {}x{}",
                    fitted.width, fitted.height
                ));
            }
            Ok((Some(fitted), None))
        }
    }
}

/// How far apart two shapes are, as a factor in hundredths; 100 is no distance.
fn distance(one: (u32, u32), other: (u32, u32)) -> u64 {
    let a = u64::from(one.0) * u64::from(other.1);
    let b = u64::from(one.1) * u64::from(other.0);
    // Hundredths of hundredths would overflow for no gain.
    100 * a.max(b) / a.min(b).max(1)
}

/// Scales both sides alike into the bounds, then rounds them to the grid.
fn scale(
    width: u32,
    height: u32,
    multiple: u32,
    min_side: u32,
    max_side: u32,
    max_pixels: u64,
) -> Size {
    let (w, h) = (f64::from(width), f64::from(height));
    let longest = f64::from(max_side) / w.max(h);
    let most = (max_pixels as f64 / (w * h)).sqrt();
    let factor = longest.min(most).min(1.0).max(f64::from(min_side) / w.min(h));
    let multiple = multiple.max(1);
    let grid = f64::from(multiple);
    let fit = |side: f64| {
        let side = ((side * factor / grid).round() * grid) as u32;
        side.clamp(min_side.next_multiple_of(multiple), max_side / multiple * multiple)
    };
    let mut size = Size { width: fit(w), height: fit(h) };
    // Rounding up may have gone over the number of pixels by a step.
    while max_pixels < u64::from(size.width) * u64::from(size.height) {
        let side = if size.height <= size.width { &mut size.width } else { &mut size.height };
        if *side < min_side + multiple {
            break;
        }
        *side -= multiple;
    }
    size
}

fn beyond(message: String) -> Failure {
    Failure::new(Code::InvalidInput, message)
}

#[cfg(test)]
mod tests;
