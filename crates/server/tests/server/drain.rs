//! Stopping: in order, in time, and without cutting what can still end well.

use std::time::{Duration, Instant};

use api::sartiq::event::v1::{PollRequest, PollResponse, SubscribeRequest};
use futures::StreamExt;
use server::{Config, Mesh};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::service::Routes;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::stub::{self, Stub};
use crate::{Result, raw};

struct Served {
    mesh: Mesh,
    url: String,
    address: std::net::SocketAddr,
    end: JoinHandle<Result<(), server::Error>>,
}

async fn served(drain_timeout: Duration, routes: impl FnOnce(&Mesh) -> Routes) -> Result<Served> {
    let config = Config { drain_timeout, ..testkit::config() };
    let mesh = Mesh::testing_with("test", testkit::keys("test"), config);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let end = tokio::spawn(mesh.clone().serve_on(listener, routes(&mesh)));
    Ok(Served { mesh, url: format!("http://{address}"), address, end })
}

impl Served {
    fn channel(&self) -> Result<testkit::Client> {
        testkit::mesh("client").channel(&self.url)
    }

    /// Stops the server and returns how long that took.
    async fn stop(self) -> Result<Duration> {
        let started = Instant::now();
        self.mesh.stop();
        tokio::time::timeout(Duration::from_secs(10), self.end).await???;
        Ok(started.elapsed())
    }
}

#[tokio::test]
async fn an_idle_server_stops_at_once() -> Result {
    let served = served(Duration::from_secs(5), |_| Stub::new().routes()).await?;
    stub::viewer(&served.channel()?).poll(PollRequest::default()).await?;
    assert!(served.stop().await? < Duration::from_secs(1));
    Ok(())
}

#[tokio::test]
async fn silent_peers_do_not_hold_it() -> Result {
    let served = served(Duration::from_secs(5), |_| Stub::new().routes()).await?;
    let _silent = TcpStream::connect(served.address).await?;
    let mut half = TcpStream::connect(served.address).await?;
    half.write_all(b"PRI * HTTP/2.0\r\n").await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(served.stop().await? < Duration::from_secs(1));
    Ok(())
}

#[tokio::test]
async fn plain_tonic_is_held_by_a_silent_peer() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tonic::transport::Server::builder()
        .add_routes(Stub::new().routes())
        .serve_with_incoming_shutdown(incoming, async { drop(stopped.await) });
    let server = tokio::spawn(server);
    let _silent = TcpStream::connect(address).await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let _ = stop.send(());
    let end = tokio::time::timeout(Duration::from_millis(1500), server).await;
    assert!(end.is_err(), "plain tonic stops by itself: this loop may go");
    Ok(())
}

#[tokio::test]
async fn a_call_under_way_is_answered() -> Result {
    let stub = Stub::new().poll(|_| async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        Ok(PollResponse { cursor: "done".into(), ..PollResponse::default() })
    });
    let served = served(Duration::from_secs(5), |_| stub.routes()).await?;
    let mut client = stub::viewer(&served.channel()?);
    let call = tokio::spawn(async move { client.poll(PollRequest::default()).await });
    testkit::eventually(async || Ok::<_, String>(stub.asked().len() == 1)).await?;
    let took = served.stop().await?;
    assert_eq!(call.await??.into_inner().cursor, "done");
    assert!(Duration::from_millis(200) < took && took < Duration::from_secs(4), "{took:?}");
    Ok(())
}

#[tokio::test]
async fn streams_that_listen_end_by_themselves() -> Result {
    let served = served(Duration::from_secs(5), |mesh| {
        let shutdown = mesh.shutdown();
        let stub = Stub::new().subscribe(move |_| {
            let events = stub::silence().take_until(shutdown.clone().cancelled_owned());
            async { Ok(Box::pin(events) as stub::Events) }
        });
        stub.routes()
    })
    .await?;
    let mut client = stub::viewer(&served.channel()?);
    let mut events = client.subscribe(SubscribeRequest::default()).await?.into_inner();
    let took = served.stop().await?;
    assert!(events.next().await.is_none(), "ended with OK");
    assert!(took < Duration::from_secs(4), "{took:?}");
    Ok(())
}

#[tokio::test]
async fn streams_that_do_not_are_told_and_cut_in_time() -> Result {
    let served = served(Duration::from_secs(1), |_| Stub::new().routes()).await?;
    let mut client = stub::viewer(&served.channel()?);
    let mut events = client.subscribe(SubscribeRequest::default()).await?.into_inner();
    let took = served.stop().await?;
    let status = events.next().await.ok_or("ended well")?.err().ok_or("an event")?;
    assert_eq!((status.code(), &*testkit::reason(&status)), (Code::Unavailable, "DRAINING"));
    assert!(Duration::from_millis(700) < took && took < Duration::from_secs(4), "{took:?}");
    Ok(())
}

#[tokio::test]
async fn what_never_ends_is_left_behind() -> Result {
    // Holds the runtime's thread for long, as no cancellation can end.
    let served = served(Duration::from_millis(500), |mesh| {
        mesh.spawn("stubborn", std::future::pending());
        Stub::new().routes()
    })
    .await?;
    let took = served.stop().await?;
    assert!(Duration::from_millis(400) < took && took < Duration::from_secs(4), "{took:?}");
    Ok(())
}

#[tokio::test]
async fn background_work_is_awaited() -> Result {
    let (done, is_done) = tokio::sync::oneshot::channel();
    let served = served(Duration::from_secs(5), |mesh| {
        let shutdown = mesh.shutdown();
        mesh.spawn("tidy", async move {
            shutdown.cancelled().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            let _ = done.send(());
        });
        Stub::new().routes()
    })
    .await?;
    served.stop().await?;
    is_done.await?;
    Ok(())
}

#[tokio::test]
async fn health_turns_before_anything_ends() -> Result {
    let served = served(Duration::from_secs(1), |_| Stub::new().routes()).await?;
    let mut health = HealthClient::new(served.channel()?);
    for service in ["", "readiness", "liveness"] {
        let request = HealthCheckRequest { service: service.into() };
        let answer = health.check(request).await?.into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let request = HealthCheckRequest { service: "readiness".into() };
    let mut watch = health.watch(request).await?.into_inner();
    let mut next =
        async || -> Result<HealthCheckResponse> { Ok(watch.next().await.ok_or("ended")??) };
    assert_eq!(next().await?.status(), ServingStatus::Serving);
    served.mesh.stop();
    assert_eq!(next().await?.status(), ServingStatus::NotServing);
    // The watch itself is a stream that does not listen.
    assert!(next().await.is_err());
    Ok(())
}

#[tokio::test]
async fn the_door_is_shut_first() -> Result {
    let served = served(Duration::from_secs(1), |mesh| {
        mesh.spawn("slow", tokio::time::sleep(Duration::from_millis(500)));
        Stub::new().routes()
    })
    .await?;
    served.mesh.stop();
    testkit::eventually(async || {
        Ok::<_, String>(TcpStream::connect(served.address).await.is_err())
    })
    .await?;
    assert!(!served.end.is_finished());
    Ok(())
}

#[tokio::test]
async fn both_reflections_answer() -> Result {
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        // Field 7: list the services.
        let answer = raw::call_with(&url, &path, &[], b"\x3a\x00").await?;
        assert_eq!(answer.text("grpc-status"), Some("0"), "{version}: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_background_task_that_panics_ends_the_process() -> Result {
    let served = served(Duration::from_secs(5), |_| Stub::new().routes()).await?;
    stub::viewer(&served.channel()?).poll(PollRequest::default()).await?;
    served.mesh.spawn("relay", async { panic!("on purpose") });
    let ended = tokio::time::timeout(Duration::from_secs(5), served.end).await??;
    let error = ended.err().ok_or("ended well")?;
    assert_eq!(error.to_string(), "the background task `relay` panicked");
    Ok(())
}
