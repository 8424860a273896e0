//! Where calls go: to whoever answers, past whoever does not.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use api::sartiq::event::v1::event_service_client::EventServiceClient;
use api::sartiq::event::v1::{PollRequest, SubscribeRequest, SubscribeResponse};
use futures::StreamExt;
use server::{Authority, Config, Issued, Mesh, SigningKey};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::Result;
use crate::stub::{self, Stub};

async fn failures(channel: &testkit::Client, n_calls: usize) -> usize {
    let client = stub::viewer(channel);
    let mut n_failed = 0;
    for _ in 0..n_calls {
        n_failed += usize::from(client.clone().poll(PollRequest::default()).await.is_err());
    }
    n_failed
}

#[tokio::test]
async fn a_dead_endpoint_costs_no_call() -> Result {
    let stub = Stub::new();
    let live = testkit::serve_at(&testkit::mesh("test"), stub.routes()).await;
    let urls = format!("{live},{}", stub::nowhere());
    let channel = testkit::mesh("client").channel(&urls)?;
    assert_eq!(failures(&channel, 1000).await, 0);
    assert_eq!(stub.asked().len(), 1000);
    Ok(())
}

#[tokio::test]
async fn plain_tonic_keeps_asking_the_dead() -> Result {
    let live = stub::serve_plainly(Stub::new().routes()).await;
    let endpoints = [live, stub::nowhere()].map(tonic::transport::Endpoint::from_shared);
    let endpoints = endpoints.into_iter().collect::<Result<Vec<_>, _>>()?;
    let balanced = tonic::transport::Channel::balance_list(endpoints.into_iter());
    let client = EventServiceClient::new(balanced);
    let mut n_failed = 0;
    for _ in 0..200 {
        n_failed += usize::from(client.clone().poll(PollRequest::default()).await.is_err());
    }
    assert!(20 < n_failed, "plain tonic failed {n_failed} of 200: this picker may go");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_under_calls_fails_none_and_is_used_again_when_it_returns() -> Result {
    let (steady, fleeting) = (Stub::new(), Stub::new());
    let steady_url = testkit::serve_at(&testkit::mesh("steady"), steady.routes()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mortal = testkit::mesh("mortal");
    let server = tokio::spawn(mortal.serve_on(listener, fleeting.routes()));

    let channel = testkit::mesh("client").channel(&format!("{steady_url},http://{address}"))?;
    assert_eq!(failures(&channel, 50).await, 0);
    assert!(!fleeting.asked().is_empty());
    let under_way = tokio::spawn(async move { (failures(&channel, 2000).await, channel) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Dropped with all its connections, as by a kill.
    server.abort();
    let (n_failed, channel) = under_way.await?;
    assert_eq!(n_failed, 0);

    let n_before = fleeting.asked().len();
    let listener = TcpListener::bind(address).await?;
    tokio::spawn(testkit::mesh("risen").serve_on(listener, fleeting.routes()));
    testkit::eventually(async || {
        Ok::<_, String>(failures(&channel, 10).await == 0 && n_before < fleeting.asked().len())
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_call() -> Result {
    let stub = Stub::new();
    let mut addresses = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        addresses.push(listener.local_addr()?);
        let mesh = testkit::mesh("test");
        servers.push((mesh.clone(), tokio::spawn(mesh.serve_on(listener, stub.routes()))));
    }
    let urls: Vec<_> = addresses.iter().map(|it| format!("http://{it}")).collect();
    let channel = testkit::mesh("client").channel(&urls.join(","))?;
    let calling = {
        let channel = channel.clone();
        tokio::spawn(async move {
            let end = Instant::now() + Duration::from_secs(2);
            let mut n_failed = 0;
            while Instant::now() < end {
                n_failed += failures(&channel, 10).await;
            }
            n_failed
        })
    };
    for (address, (mesh, server)) in addresses.iter().zip(servers) {
        tokio::time::sleep(Duration::from_millis(300)).await;
        mesh.stop();
        server.await??;
        let listener = TcpListener::bind(address).await?;
        tokio::spawn(testkit::mesh("next").serve_on(listener, stub.routes()));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(calling.await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_address_that_swallows_packets_delays_calls_once() -> Result {
    // A full backlog drops what knocks.
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let hole = socket.listen(1)?;
    let address = hole.local_addr()?;
    let mut knocks = Vec::new();
    for _ in 0..4 {
        let knock = tokio::net::TcpStream::connect(address);
        knocks.push(tokio::time::timeout(Duration::from_millis(100), knock).await);
    }
    assert!(knocks.iter().any(|it| it.is_err()), "the backlog is not full");

    let live = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let channel = testkit::mesh("client").channel(&format!("http://{address},{live}"))?;
    for most in [Duration::from_millis(2500), Duration::from_millis(900)] {
        let started = Instant::now();
        let calls = futures::future::join_all((0..30).map(|_| failures(&channel, 1))).await;
        assert_eq!(calls.into_iter().sum::<usize>(), 0);
        assert!(started.elapsed() < most, "{:?}", started.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn a_name_with_a_dead_address_is_no_trouble() -> Result {
    // `localhost` is often ::1 as well, where nobody listens here.
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let channel = testkit::mesh("client").channel(&url.replace("127.0.0.1", "localhost"))?;
    assert_eq!(failures(&channel, 100).await, 0);
    Ok(())
}

#[tokio::test]
async fn nobody_there_is_said_quickly() -> Result {
    for url in [stub::nowhere(), "http://nowhere.invalid:1".to_owned()] {
        let started = Instant::now();
        let mut client = stub::viewer(&testkit::mesh("client").channel(&url)?);
        let status = client.poll(PollRequest::default()).await.err().ok_or("answered")?;
        assert_eq!((status.code(), &*testkit::reason(&status)), (Code::Unavailable, "UNREACHABLE"));
        assert!(started.elapsed() < Duration::from_secs(8), "{url}: {:?}", started.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn streams_fail_over_and_lost_ones_may_be_resumed() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let live = format!("http://{}", listener.local_addr()?);
    let stub = Stub::new();
    let server = tokio::spawn(testkit::mesh("test").serve_on(listener, stub.routes()));
    let urls = format!("{},{live}", stub::nowhere());
    let channel = testkit::mesh("client").channel(&urls)?;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut client = stub::viewer(&channel);
        streams.push(client.subscribe(SubscribeRequest::default()).await?.into_inner());
    }
    server.abort();
    for mut events in streams {
        let status = events.next().await.ok_or("ended well")?.err().ok_or("an event")?;
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(testkit::reason(&status), "CONNECTION_LOST");
    }
    Ok(())
}

/// Gives out tokens that hold for `life`, and counts them.
struct Mint {
    life: Duration,
    count: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl Authority for Mint {
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, Status> {
        Ok(vec![testkit::signer().public()])
    }

    async fn revocations(&self) -> Result<Vec<String>, Status> {
        Ok(Vec::new())
    }

    async fn service_token(&self) -> Result<Issued, Status> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.count.fetch_add(1, Ordering::SeqCst);
        let token = testkit::service_token("compute").into();
        Ok(Issued { token, expire_time: SystemTime::now() + self.life })
    }
}

async fn called_by(life: Duration) -> Result<usize> {
    use api::sartiq::compute::v1::ListRoutesRequest;
    use api::sartiq::compute::v1::route_service_client::RouteServiceClient;
    let count = Arc::default();
    let authority = Mint { life, count: Arc::clone(&count) };
    let mesh = Mesh::join_with("compute", &Config::default(), Arc::new(authority));
    // Nobody implements the service, but only who is let in learns that.
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let client = RouteServiceClient::new(mesh.channel(&url)?);
    let calls = (0..20).map(|_| {
        let mut client = client.clone();
        async move { client.list_routes(ListRoutesRequest {}).await.err().map(|it| it.code()) }
    });
    for code in futures::future::join_all(calls).await {
        assert_eq!(code, Some(Code::Unimplemented));
    }
    Ok(count.load(Ordering::SeqCst))
}

#[tokio::test]
async fn one_token_serves_all_calls_while_it_lasts() -> Result {
    assert_eq!(called_by(Duration::from_secs(900)).await?, 1);
    // Too short to be relied on: every call asks for its own.
    assert_eq!(called_by(Duration::from_secs(1)).await?, 20);
    Ok(())
}

#[tokio::test]
async fn who_cannot_prove_itself_yet_is_told_to_come_back() -> Result {
    let keys = testkit::keys("client");
    keys.set_away(true);
    let url = testkit::serve_at(&testkit::mesh("test"), Stub::new().routes()).await;
    let channel = Mesh::testing("client", keys).channel(&url)?;
    let mut client = EventServiceClient::new(channel);
    let status = client.poll(PollRequest::default()).await.err().ok_or("answered")?;
    let reason = testkit::reason(&status);
    assert_eq!((status.code(), &*reason), (Code::Unavailable, "IDENTITY_UNAVAILABLE"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_left_early_do_not_cost_the_connection() -> Result {
    let stub = Stub::new().subscribe(|_| async {
        let later = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok(SubscribeResponse::default())
        };
        let first = futures::stream::iter([Ok(SubscribeResponse::default())]);
        Ok(first.chain(futures::stream::once(later)).boxed() as stub::Events)
    });
    let client = stub::serve(&stub).await;
    let mut leaving = JoinSet::new();
    for _ in 0..200 {
        let mut client = client.clone();
        leaving.spawn(async move {
            for _ in 0..20 {
                let answer = client.subscribe(SubscribeRequest::default()).await?;
                answer.into_inner().message().await?.expect("a first message");
            }
            Ok::<_, Status>(())
        });
    }
    while let Some(left) = leaving.join_next().await {
        left??;
    }
    let peers: HashSet<_> = stub.asked().into_iter().map(|it| it.peer).collect();
    assert_eq!(peers.len(), 1, "connections to the only server");
    Ok(())
}

#[tokio::test]
async fn calls_that_are_given_up_while_a_server_stands_still_do_not_cost_the_connection() -> Result
{
    let stub = Stub::new();
    let server =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let routes = stub.routes();
    let url =
        server.spawn(async { testkit::serve_at(&testkit::mesh("test"), routes).await }).await?;
    let channel = testkit::mesh("client").channel(&url)?;
    assert_eq!(failures(&channel, 1).await, 0);
    let (go_on, stop) = std::sync::mpsc::channel::<()>();
    server.spawn(async move { stop.recv() });
    let given_up =
        (0..200).map(|_| tokio::time::timeout(Duration::from_millis(200), failures(&channel, 1)));
    let given_up = futures::future::join_all(given_up).await;
    assert!(given_up.iter().all(|it| it.is_err()), "it does not stand still");
    drop(go_on);
    assert_eq!(failures(&channel, 1).await, 0);
    let peers: HashSet<_> = stub.asked().into_iter().map(|it| it.peer).collect();
    server.shutdown_background();
    assert_eq!(peers.len(), 1, "connections to the only server");
    Ok(())
}
