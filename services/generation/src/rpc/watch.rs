//! Watching a generation until it is final.

use std::time::Duration;

use api::sartiq::generation::v1 as pb;
use server::Caller;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use types::id::GenerationId;

use crate::Generation as Service;
use crate::error::Result;
use crate::rpc::{generation, wire};

/// How often a watcher looks when nobody tells it to: another replica may have changed something.
const LOOK: Duration = Duration::from_secs(2);

/// Sends the state of a generation at once, then each change of it.
pub(super) async fn watch(
    service: &Service,
    caller: Caller,
    request: pb::WatchGenerationRequest,
) -> Result<ReceiverStream<Result<pb::WatchGenerationResponse, Status>>> {
    let id = request.id.parse()?;
    // Before the first look, so that no change falls in between.
    let mut changes = service.changes.subscribe();
    let (first, mut is_final) = look(service, &caller, id).await?;
    let (out, stream) = mpsc::channel(4);
    let service = service.clone();
    let mesh = service.mesh.clone();
    mesh.spawn("watch", async move {
        let mut last = first.clone();
        if out.send(Ok(first)).await.is_err() {
            return;
        }
        while !is_final {
            tokio::select! {
                () = service.mesh.shutdown().cancelled_owned() => return,
                () = out.closed() => return,
                () = tokio::time::sleep(LOOK) => (),
                changed = changes.recv() => match changed {
                    Ok(changed) if changed != id => continue,
                    Ok(_) | Err(RecvError::Lagged(_)) => (),
                    Err(RecvError::Closed) => return,
                },
            }
            let next = match look(&service, &caller, id).await {
                Ok((next, now_final)) => {
                    is_final = now_final;
                    next
                }
                Err(error) => {
                    let _ = out.send(Err(error.into())).await;
                    return;
                }
            };
            if next != last {
                last = next.clone();
                if out.send(Ok(next)).await.is_err() {
                    return;
                }
            }
        }
    });
    Ok(ReceiverStream::new(stream))
}

async fn look(
    service: &Service,
    caller: &Caller,
    id: GenerationId,
) -> Result<(pb::WatchGenerationResponse, bool)> {
    let (generation, predictions) = generation::read(service, caller, id).await?;
    let percent = service.progress.percent(id, &predictions);
    let response = pb::WatchGenerationResponse {
        generation: Some(wire::generation(&generation, percent)?),
        predictions: predictions.iter().map(wire::prediction).collect(),
    };
    Ok((response, generation.state.is_final()))
}
