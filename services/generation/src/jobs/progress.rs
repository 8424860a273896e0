//! Listening to how far tasks are.

use std::time::Duration;

use api::sartiq::event::v1::Event;
use api::sartiq::event::v1::event::Payload;
use events::Stream;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::Generation as Service;

/// Notes the progress that compute tells, until told to stop.
pub(crate) async fn progress(service: Service, stream: Stream, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = listen(&service, &stream) => (),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => (),
        }
    }
}

async fn listen(service: &Service, stream: &Stream) {
    let events = match stream.progress().await {
        Ok(events) => events,
        Err(error) => return tracing::debug!(%error, "progress cannot be followed"),
    };
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        note(service, &event);
    }
}

fn note(service: &Service, event: &Event) {
    let Some(Payload::TaskProgress(told)) = &event.payload else { return };
    let (Ok(id), Some(percent)) = (told.reference.parse(), told.percent) else { return };
    service.progress.note(id, &told.node, percent);
    service.changed(id);
}
