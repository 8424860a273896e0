//! Connections are renewed without anybody noticing.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use api::sartiq::event::v1::{PollRequest, SubscribeRequest};
use futures::StreamExt;
use server::{Config, Mesh};

use crate::Result;
use crate::stub::{self, Stub};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_and_no_stream_is_cut_when_connections_grow_old() -> Result {
    let stub = Stub::new();
    let config = Config { max_connection_age: Duration::from_millis(200), ..testkit::config() };
    let mesh = Mesh::testing_with("test", testkit::keys("test"), config);
    let url = testkit::serve_at(&mesh, stub.routes()).await;
    let channel = testkit::mesh("client").channel(&url)?;
    let client = stub::viewer(&channel);

    let mut events = client.clone().subscribe(SubscribeRequest::default()).await?.into_inner();
    let end = Instant::now() + Duration::from_secs(2);
    let callers = (0..8).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move {
            while Instant::now() < end {
                client.poll(PollRequest::default()).await?;
            }
            Ok::<_, tonic::Status>(())
        })
    });
    for caller in futures::future::join_all(callers).await {
        caller??;
    }
    let peers: HashSet<_> = stub.asked().iter().filter_map(|it| it.peer).collect();
    assert!(5 < peers.len(), "connections: {}", peers.len());
    let silent = tokio::time::timeout(Duration::from_millis(100), events.next()).await;
    assert!(silent.is_err(), "the stream outlives its connection's age");
    Ok(())
}
