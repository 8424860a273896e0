//! The promises that count when something goes wrong.

use std::time::Duration;

use api::sartiq::provider::v1::cancel_response::Result as Cancelled;
use api::sartiq::provider::v1::failure::{Code, Retry};
use api::sartiq::provider::v1::run_event::Event;
use api::sartiq::provider::v1::*;

use super::read_until;
use crate::conformance::{Ailment, Stage, Stub};
use crate::{Model, Provider};

pub(super) async fn a_dropped_stream_is_resumed(stage: &Stage, stub: &impl Stub, models: &[Model]) {
    for model in models {
        let (before, cancelled) = (stub.submissions().await, stub.cancellations().await);
        let request = stage.request(stage.input(model));
        // The stream is dropped as soon as the handle is there, as if the caller had died.
        let accepted = stage.begin(request.clone()).await;
        let followed = stage.resume(&request, &accepted).await;
        followed.completed().expect("a completed run");
        assert_eq!(followed.events[0].sequence, 1, "numbers start over");
        assert_eq!(followed.accepted().expect("accepted comes first"), &accepted);
        assert_eq!(stub.submissions().await, before + 1, "{} was submitted once", model.id);
        assert_eq!(stub.cancellations().await, cancelled, "nobody cancelled it");
    }
}

pub(super) async fn another_process_takes_over<P: Provider>(
    stage: &Stage,
    build: &impl Fn() -> P,
    stub: &impl Stub,
    models: &[Model],
) {
    let before = stub.submissions().await;
    let dying = stage.again(build()).await;
    stub.ail(Ailment::Stalls).await;
    let request = dying.request(dying.input(&models[0]));
    let mut stream =
        dying.client.clone().run(request.clone()).await.expect("a stream").into_inner();
    let event = stream.message().await.expect("no status").and_then(|it| it.event);
    let Some(Event::Accepted(accepted)) = event.and_then(|it| it.event) else {
        panic!("accepted comes first");
    };
    dying.mesh.stop();
    let status = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a stream that is cut off says so"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
    let heir = stage.again(build()).await;
    let request = RunRequest { organization_id: heir.organization.to_string(), ..request };
    let token = accepted.resume_token.clone();
    let cancel = CancelRequest { run_id: request.run_id.clone(), resume_token: token };
    heir.client.clone().cancel(cancel).await.expect("a result");
    let failure = heir.resume(&request, &accepted).await.failure().cloned().expect("an end");
    assert_eq!(failure.code(), Code::Cancelled);
    assert_eq!(stub.submissions().await, before + 1);
    stub.ail(Ailment::None).await;
}

pub(super) async fn a_run_is_cancelled(stage: &Stage, stub: &impl Stub, models: &[Model]) {
    stub.ail(Ailment::Stalls).await;
    let before = stub.cancellations().await;
    let request = stage.request(stage.input(&models[0]));
    let mut stream =
        stage.client.clone().run(request.clone()).await.expect("a stream").into_inner();
    let event = stream.message().await.expect("no status").and_then(|it| it.event);
    let Some(Event::Accepted(accepted)) = event.and_then(|it| it.event) else {
        panic!("accepted comes first");
    };
    let cancel = CancelRequest { run_id: request.run_id, resume_token: accepted.resume_token };
    let cancel = async || stage.client.clone().cancel(cancel.clone()).await;
    let result = cancel().await.expect("a result").into_inner().result();
    assert!(matches!(result, Cancelled::Done | Cancelled::Requested), "{result:?}");
    let is_end = |it: &Event| match it {
        Event::Failed(failure) => {
            assert_eq!((failure.code(), failure.retry()), (Code::Cancelled, Retry::Never));
            true
        }
        other => matches!(other, Event::Completed(_)),
    };
    read_until(&mut stream, is_end).await;
    assert_eq!(stub.cancellations().await, before + 1);
    let result = cancel().await.expect("a result").into_inner().result();
    assert!(!matches!(result, Cancelled::Unspecified | Cancelled::NotSupported), "{result:?}");
    stub.ail(Ailment::None).await;
}

pub(super) async fn a_slow_run_is_given_up(stage: &Stage, stub: &impl Stub, models: &[Model]) {
    stub.ail(Ailment::Stalls).await;
    let before = stub.cancellations().await;
    let request = RunRequest {
        timeout: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        ..stage.request(stage.input(&models[0]))
    };
    let followed = stage.run(request).await;
    followed.accepted().expect("accepted");
    let failure = followed.failure().expect("an end");
    assert_eq!((failure.code(), failure.retry()), (Code::Timeout, Retry::SameRequest));
    assert_eq!(stub.cancellations().await, before + 1, "it was cancelled at the vendor");
    stub.ail(Ailment::None).await;
}

pub(super) async fn a_lost_answer_is_in_doubt(stage: &Stage, stub: &impl Stub, models: &[Model]) {
    stub.ail(Ailment::LosesAnswer).await;
    let before = stub.submissions().await;
    let request = stage.request(stage.input(&models[0]));
    // Asking again with the same run id changes nothing: what is in doubt stays in doubt.
    for _ in 0..2 {
        let followed = stage.run(request.clone()).await;
        assert_eq!(followed.events.len(), 1);
        let failure = followed.failure().expect("a doubt");
        assert!(failure.maybe_submitted);
        assert!(matches!(failure.code(), Code::Timeout | Code::Upstream), "{failure:?}");
        assert_eq!(failure.retry(), Retry::SameRequest);
        assert_eq!(stub.submissions().await, before + 1, "it was asked once");
    }
    stub.ail(Ailment::None).await;
}

pub(super) async fn what_passes_is_not_noticed(stage: &Stage, stub: &impl Stub, models: &[Model]) {
    for ailment in Ailment::PASSING {
        stub.ail(ailment).await;
        let before = stub.submissions().await;
        let followed = stage.run(stage.request(stage.input(&models[0]))).await;
        let completed = followed.completed().map_err(|it| format!("{ailment:?}: {it}"));
        completed.expect("a completed run");
        assert_eq!(stub.submissions().await, before + 1, "{ailment:?}");
    }
    stub.ail(Ailment::None).await;
}

pub(super) async fn failures_are_sorted(stage: &Stage, stub: &impl Stub, models: &[Model]) {
    // A model with inputs, so that all can go wrong that may.
    let model = models.iter().find(|it| it.limits.max_references > 0).unwrap_or(&models[0]);
    for (ailment, code) in Ailment::SORTED {
        stub.ail(ailment).await;
        let followed = stage.run(stage.request(stage.input(model))).await;
        let failure = followed.failure().map_err(|it| format!("{ailment:?}: {it}"));
        let failure = failure.expect("a failure");
        assert_eq!(failure.code(), code, "{ailment:?}: {failure:?}");
        assert!(!failure.maybe_submitted, "{ailment:?}: {failure:?}");
        assert_ne!(failure.retry(), Retry::Unspecified);
        assert!(!failure.message.is_empty());
        if ailment == Ailment::Busy {
            let after = failure.retry_after.as_ref().map(|it| it.seconds);
            assert_eq!(after, Some(600), "the vendor's own wait is passed on");
        }
        if ailment == Ailment::RefusesKey {
            let check = stage.client.clone().check(CheckRequest {}).await.expect("a check");
            let check = check.into_inner();
            assert!(check.reachable && !check.authenticated, "{check:?}");
        }
    }
    stub.ail(Ailment::None).await;
}

pub(super) async fn tokens_are_judged(stage: &Stage, models: &[Model]) {
    let request = stage.request(stage.input(&models[0]));
    for token in [&b"nonsense"[..], b"{}", br#"{"provider":"another","job":{}}"#] {
        let accepted =
            RunAccepted { resume_token: token.to_vec().into(), ..RunAccepted::default() };
        let status = stage.resume(&request, &accepted).await.status.expect("a status");
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(testkit::fields(&status), ["resume_token"]);
    }
}

pub(super) async fn a_full_process_refuses<P: Provider>(
    build: &impl Fn() -> P,
    stub: &impl Stub,
    models: &[Model],
) {
    stub.ail(Ailment::Stalls).await;
    let stage = Stage::with(build(), |it| it.max_runs = 1).await;
    let request = stage.request(stage.input(&models[0]));
    let mut stream =
        stage.client.clone().run(request.clone()).await.expect("a stream").into_inner();
    read_until(&mut stream, |it| matches!(it, Event::Accepted(_))).await;
    let status = stage.run(stage.request(stage.input(&models[0]))).await.status.expect("full");
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert_eq!(testkit::reason(&status), "ADAPTER_FULL");
    drop(stream);
    stub.ail(Ailment::None).await;
    // Nobody asks after the first run any more, so its place is free, soon.
    let free = testkit::eventually(async || {
        let request = stage.request(stage.input(&models[0]));
        tokio::time::timeout(Duration::from_secs(8), stage.run(request))
            .await
            .map(|it| it.completed().is_ok())
    });
    free.await.expect("a free place");
}
