//! Carrying a request out: its turn, its pictures, its price, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future;
use serde_json::{Value, json};

use super::{reference, webhook};
use crate::ledger::Entry;
use crate::model::{Order, Shape, Work};
use crate::refusal::{Problem, Refusal};
use crate::render::{self, Input, Rendering};
use crate::sandbox::{Sandbox, entry};
use crate::store::request::{Outcome, Phase, Request};

/// The smallest side of a still that is filmed.
const LEAST_STILL: u32 = 300;

/// Takes a request in.
pub(crate) fn accept(sandbox: &Arc<Sandbox>, request: &Arc<Request>) -> Result<(), Refusal> {
    if !sandbox.requests.add(request, || sandbox.note("submitted", request, None)) {
        return Err(Refusal::flat(429, "", "Too many requests: the queue is full"));
    }
    if let Some(patience) = request.start_timeout {
        sandbox.tasks.spawn(give_up_waiting(sandbox.clone(), request.clone(), patience));
    }
    begin(sandbox);
    Ok(())
}

/// Cancels a request; `false` where it had ended.
pub(crate) fn cancel(sandbox: &Arc<Sandbox>, request: &Arc<Request>) -> bool {
    let refusal = Refusal::named("client_cancelled").expect("it is on the menu");
    let is_cancelled = end(sandbox, request, Outcome::Failure(refusal), "cancelled");
    if is_cancelled {
        sandbox.requests.leave_line(&request.id);
        request.cancel.cancel();
    }
    is_cancelled
}

/// Starts as many as there are workers free.
fn begin(sandbox: &Arc<Sandbox>) {
    while let Some(request) = sandbox.requests.take() {
        let sandbox = sandbox.clone();
        sandbox.clone().tasks.spawn(async move {
            let shift = Shift(sandbox.clone());
            run(&sandbox, &request).await;
            drop(shift);
            // Somebody else's turn.
            begin(&sandbox);
        });
    }
}

/// Frees the worker even where the work panics.
struct Shift(Arc<Sandbox>);

impl Drop for Shift {
    fn drop(&mut self) {
        self.0.requests.release();
    }
}

async fn give_up_waiting(sandbox: Arc<Sandbox>, request: Arc<Request>, patience: Duration) {
    tokio::select! {
        () = tokio::time::sleep(patience) => {}
        () = request.cancel.cancelled() => return,
        () = sandbox.shutdown.cancelled() => return,
    }
    if sandbox.requests.leave_line(&request.id) {
        let refusal = Refusal::named("request_timeout").expect("it is on the menu");
        end(&sandbox, &request, Outcome::Failure(refusal), "failed");
    }
}

async fn run(sandbox: &Arc<Sandbox>, request: &Arc<Request>) {
    let is_mine = request.update(|it| {
        let is_mine = matches!(it.phase, Phase::Queued);
        if is_mine {
            it.phase = Phase::Running;
            it.started = Some(Instant::now());
        }
        is_mine
    });
    if !is_mine {
        return;
    }
    sandbox.note("started", request, None);
    let worked = tokio::select! {
        worked = work(sandbox, request) => worked,
        // Whoever cancelled has ended it.
        () = request.cancel.cancelled() => return,
        () = sandbox.shutdown.cancelled() => return,
    };
    match worked {
        Ok((output, units)) => {
            end(sandbox, request, Outcome::Success { output, units }, "completed")
        }
        Err(refusal) => end(sandbox, request, Outcome::Failure(refusal), "failed"),
    };
}

/// Ends a request, once. The book is written before anybody can see the end, so that who sees the
/// end sees the charge.
fn end(sandbox: &Arc<Sandbox>, request: &Arc<Request>, outcome: Outcome, kind: &str) -> bool {
    let note = match &outcome {
        Outcome::Success { .. } => None,
        Outcome::Failure(refusal) => Some(refusal.message.clone()),
    };
    let units = match &outcome {
        Outcome::Success { units, .. } => Some(*units),
        Outcome::Failure(_) => None,
    };
    let is_ended = request.finish(outcome, || {
        sandbox.note(kind, request, note);
        if let Some(units) = units {
            let charge = sandbox.prices.charge(&request.endpoint.id, units);
            sandbox.ledger.write(Entry {
                units: Some(units),
                charge_micro_usd: Some(charge),
                ..entry("charged", request)
            });
        }
    });
    if is_ended {
        webhook::send(sandbox, request);
    }
    is_ended
}

async fn work(sandbox: &Arc<Sandbox>, request: &Arc<Request>) -> Result<(Value, f64), Refusal> {
    let order = &request.order;
    let started = Instant::now();
    let loads =
        order.sources().into_iter().map(|it| reference::load(sandbox, it, &request.base_url));
    let inputs = future::try_join_all(loads).await?;
    check(order, &inputs)?;
    if !inputs.is_empty() {
        request.log(format!("Loaded {} input file(s)", inputs.len()));
    }
    let usual = f64::from(order.n_outputs()) * order.model.usual_ms as f64 * sandbox.latency;
    let usual = Duration::from_secs_f64(usual / 1000.0) + request.mischief.slower_by;
    if let Some(refusal) = &request.mischief.fail_late {
        steps(request, usual, 0.9).await;
        return Err(refusal.clone());
    }
    if request.mischief.never_finishes {
        steps(request, usual, 0.9).await;
        return future::pending().await;
    }
    let rendering = async {
        let permit = sandbox.renderers.clone().acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let (order, nsfw) = (order.clone(), request.mischief.nsfw);
        let rendered = tokio::task::spawn_blocking(move || {
            let rendered = render::render(&order, &inputs, nsfw);
            drop(permit);
            rendered
        });
        rendered
            .await
            .unwrap_or_else(|_| Err(Refusal::flat(500, "runner_server_error", "The runner failed")))
    };
    let (rendered, ()) = tokio::join!(rendering, steps(request, usual, 1.0));
    let rendering = rendered?;
    let units = units(sandbox, request, &rendering);
    let output = output(sandbox, request, rendering, started.elapsed().as_secs_f64()).await?;
    Ok((output, units))
}

/// What only the pictures themselves can tell.
fn check(order: &Order, inputs: &[Input]) -> Result<(), Refusal> {
    if let Work::Film(film) = &order.work
        && let Some(input) = inputs.first()
        && input.picture.width().min(input.picture.height()) < LEAST_STILL
    {
        let problem = Problem::new(
            film.first.field,
            None,
            "image_too_small",
            format!("The image should be at least {LEAST_STILL} pixels wide and high"),
        );
        let least = json!({"min_height": LEAST_STILL, "min_width": LEAST_STILL});
        return Err(Refusal::invalid(problem.with(least)));
    }
    Ok(())
}

/// Counts steps into the log, over the time that a model takes.
async fn steps(request: &Request, time: Duration, share: f64) {
    let whole = request.order.model.n_steps.max(1);
    let n_lines = whole.min(10);
    for line in 1..=n_lines {
        let done = whole * line / n_lines;
        if f64::from(line) / f64::from(n_lines) > share + 0.001 {
            return;
        }
        tokio::time::sleep(time / n_lines).await;
        let percent = done * 100 / whole;
        let bar = "#".repeat((percent / 10) as usize);
        request.log(format!("{percent:3}%|{bar:<10}| {done}/{whole}"));
    }
}

fn units(sandbox: &Sandbox, request: &Request, rendering: &Rendering) -> f64 {
    match sandbox.prices.of(&request.endpoint.id).map(|it| it.unit.as_str()) {
        Some("megapixel") => rendering.megapixels,
        Some("second") => rendering.seconds,
        Some("request") => 1.0,
        _ => rendering.images,
    }
}

/// Keeps the files and writes the answer that the model gives.
async fn output(
    sandbox: &Arc<Sandbox>,
    request: &Request,
    rendering: Rendering,
    seconds: f64,
) -> Result<Value, Refusal> {
    let order = &request.order;
    let (text, mut files) = (rendering.text, Vec::new());
    for made in rendering.files {
        let stem = uuid::Uuid::new_v4().simple().to_string();
        let key = format!("{stem}.{}", made.kind.extension());
        let media_type = made.kind.media_type();
        let (n_bytes, width, height) = (made.bytes.len(), made.width, made.height);
        let url = if order.sync_mode {
            format!("data:{media_type};base64,{}", STANDARD.encode(&made.bytes))
        } else {
            keep(sandbox, key.clone(), media_type, made.bytes).await?;
            if request.mischief.expired_result {
                sandbox.files.remove(&key);
            }
            format!("{}/files/{key}", request.base_url)
        };
        let mut file = json!({"url": url, "content_type": media_type});
        if order.model.shape != Shape::Flux {
            file["file_name"] = json!(key);
            file["file_size"] = json!(n_bytes);
        }
        // A plain file does not say how large its picture is.
        if !matches!(order.model.shape, Shape::Files | Shape::Video) {
            file["width"] = json!(width);
            file["height"] = json!(height);
        }
        files.push(file);
    }
    let timings = json!({"inference": (seconds * 1000.0).round() / 1000.0});
    let flags = vec![request.mischief.nsfw; files.len()];
    let seed = order.seed;
    let one = files.first().cloned().unwrap_or_default();
    Ok(match order.model.shape {
        Shape::Flux => json!({
            "images": files, "seed": seed, "prompt": order.prompt(),
            "has_nsfw_concepts": flags, "timings": timings,
        }),
        Shape::Seeded => json!({"images": files, "seed": seed}),
        Shape::Described => json!({"images": files, "description": ""}),
        Shape::Files => json!({"images": files}),
        Shape::Single => json!({
            "image": one, "seed": seed, "timings": timings,
            "has_nsfw_concepts": request.mischief.nsfw,
        }),
        Shape::CutOut => match files.get(1) {
            Some(mask) => json!({"image": one, "mask_image": mask}),
            None => json!({"image": one}),
        },
        Shape::Video => json!({"video": one}),
        Shape::Caption => json!({
            "output": text, "finish_reason": "stop",
            "usage_info": {"input_tokens": 729, "output_tokens": 24},
        }),
        Shape::Chat => json!({
            "output": text, "reasoning": null, "partial": false,
            "usage": {"prompt_tokens": 800, "completion_tokens": 24, "total_tokens": 824},
        }),
    })
}

async fn keep(
    sandbox: &Arc<Sandbox>,
    key: String,
    media_type: &'static str,
    bytes: Vec<u8>,
) -> Result<(), Refusal> {
    let sandbox = sandbox.clone();
    let kept =
        tokio::task::spawn_blocking(move || sandbox.files.put(&key, media_type, bytes.into()));
    match kept.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot keep a result");
            Err(Refusal::flat(500, "runner_server_error", "The runner failed"))
        }
        Err(_) => Err(Refusal::flat(500, "runner_server_error", "The runner failed")),
    }
}
