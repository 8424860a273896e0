//! What makes a lane rest, and what does not.

use std::time::Duration;

use api::sartiq::compute::v1::*;
use sqlx::PgPool;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Result;
use crate::audit::audit;
use crate::provider::{Act, usual};
use crate::stage::{Process, Stage, picture};

/// More than may fail before a lane rests, and fewer than run at once.
const RUNS: usize = 8;

/// A wire that can be cut.
struct Wire {
    url: String,
    cuts: watch::Sender<()>,
}

impl Wire {
    /// Lays it to `url`.
    async fn lay(url: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").ok_or("no address")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let cuts = watch::Sender::new(());
        let wire = Self { url, cuts: cuts.clone() };
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (address, mut cut) = (address.clone(), cuts.subscribe());
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(address).await?;
                    tokio::select! {
                        end = copy_bidirectional(&mut near, &mut far) => end.map(drop),
                        _ = cut.changed() => Ok(()),
                    }
                });
            }
        });
        Ok(wire)
    }

    /// Ends all connections. There may be others at once.
    fn cut(&self) {
        self.cuts.send_replace(());
    }
}

/// Starts runs of which the provider says nothing the first time.
async fn hang(stage: &Stage, process: &Process) -> Result<Vec<String>> {
    stage.fake.plan(|_, nth| if nth == 0 { vec![Act::Hang] } else { usual() });
    let mut ids = Vec::new();
    for nth in 0..RUNS {
        ids.push(stage.submit(process, vec![picture(&format!("run{nth}"), &[])]).await?);
    }
    testkit::eventually(async || Ok::<_, String>(stage.fake.submissions().len() == RUNS)).await?;
    Ok(ids)
}

/// Waits until all have completed, and looks at the lanes meanwhile.
async fn complete_without_rest(stage: &Stage, process: &Process, ids: Vec<String>) -> Result {
    let mut routes = process.routes(stage.organization);
    let open = "select count(*) from compute.workflow where state <> 3";
    while sqlx::query_scalar::<_, i64>(open).fetch_one(&stage.db).await? > 0 {
        let answer = routes.list_routes(ListRoutesRequest {}).await?.into_inner();
        let lanes: Vec<Lane> = answer.routes.into_iter().flat_map(|it| it.lanes).collect();
        assert!(lanes.iter().all(|it| !it.resting), "{lanes:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for id in ids {
        stage.ends(process, &id, workflow::State::Completed).await?;
    }
    let doubt = "select count(*) from compute.ledger where entry = 'doubt'";
    let doubt: i64 = sqlx::query_scalar(doubt).fetch_one(&stage.db).await?;
    assert_eq!(usize::try_from(doubt)?, RUNS, "each was in doubt once");
    audit(&stage.db, &[&stage.fake]).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn one_lost_connection_is_one_failure(db: PgPool) -> Result {
    let mut stage = Stage::new(db).await;
    let wire = Wire::lay(&stage.providers[0].1).await?;
    stage.providers[0].1 = wire.url.clone();
    let process = stage.process().await?;
    let ids = hang(&stage, &process).await?;
    wire.cut();
    complete_without_rest(&stage, &process, ids).await
}

#[sqlx::test(migrator = "compute::MIGRATIONS")]
async fn a_crash_of_the_engine_is_no_failure_of_a_lane(db: PgPool) -> Result {
    let stage = Stage::new(db).await;
    let process = stage.process().await?;
    let ids = hang(&stage, &process).await?;
    process.kill();
    let process = stage.process().await?;
    complete_without_rest(&stage, &process, ids).await
}
