//! The mesh in bad weather: generations flow, one thing after another breaks and heals, and at the end
//! everything is audited from outside.

pub mod audit;
mod evidence;
mod flow;
mod listing;
pub mod plan;
mod record;
mod report;
mod subscriber;
mod weather;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use tokio::time::Instant;

use crate::{House, Result, Servers, Setup};

pub use record::{Attempt, Ending, Entry, Evidence, Outage, Picture, Record, Told};
pub use report::Report;

/// How long a process that dispatches may be silent. Usually longer; pauses are longer still.
const DISPATCH_LEASE: &str = "2s";

/// How long a job stays taken after its process died, likewise.
const JOB_LEASE: &str = "6s";

/// What a run is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// From which faults, their order, times and victims follow.
    pub seed: u64,
    /// For how long things break at least.
    pub weather: Duration,
    /// For how long at most, where it takes longer until there is enough to say something.
    pub longest: Duration,
    /// How many generations begin in a second, as long as they are accepted.
    pub rate: f64,
    /// With fewer generations the run says nothing.
    pub least_generations: usize,
    /// With fewer faults the run says nothing.
    pub least_faults: usize,
    /// Where the report, the journals and the logs go.
    pub folder: PathBuf,
}

/// Runs the mesh through bad weather, and says how it did.
pub async fn run(options: Options) -> Result<Report> {
    std::fs::create_dir_all(&options.folder)?;
    let mut servers = Servers::start().await?;
    let db = PgPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(20))
        .connect_lazy(&servers.database_url())?;
    let setup = Setup {
        database_url: servers.database_url(),
        redis_url: servers.redis_url(),
        latency: 0.02,
        replicas: vec![("compute-2", "compute"), ("generation-2", "generation")],
        settings: vec![
            ("CALLS_PER_SECOND", "1000"),
            ("CALL_BURST", "1000"),
            ("DATABASE_CONNECTIONS", "10"),
            ("DISPATCH_LEASE", DISPATCH_LEASE),
            ("JOB_LEASE", JOB_LEASE),
            ("FAL_TIMEOUT_SECONDS", "3"),
        ],
        providers: Vec::new(),
    };
    println!("starting the mesh");
    let mut house = House::start_as(db, setup, |_| Vec::new()).await?;
    let outcome = survive(&options, &mut house, &mut servers).await;
    for service in house.names() {
        std::fs::write(options.folder.join(format!("{service}.log")), house.log(service))?;
    }
    outcome
}

async fn survive(options: &Options, house: &mut House, servers: &mut Servers) -> Result<Report> {
    let start = Instant::now();
    let client = flow::Client::sign_up(house).await?;
    let shots = client.shots().await?;
    // The mesh is quiet for now, so that this is where the subscriber begins.
    let heads = evidence::heads(&house.db).await?;
    let subscriber = subscriber::start(client.clone(), start, options.seed);
    subscriber.listening().await?;
    let stop = Arc::new(AtomicBool::new(false));
    let accepted = Arc::new(AtomicUsize::new(0));
    let flow = flow::Flow {
        client: client.clone(),
        shots,
        rate: options.rate,
        start,
        stop: stop.clone(),
        accepted: accepted.clone(),
    };
    let flow = tokio::spawn(flow.run());
    let refresher = tokio::spawn(client.clone().stay_signed_in());

    let mut outages = Vec::new();
    let mut ended = Vec::new();
    let mut plan = plan::Plan::new(options.seed);
    let mut broken: Result = Ok(());
    let is_enough = |n_faults| {
        options.least_faults <= n_faults
            && options.least_generations <= accepted.load(Ordering::Relaxed)
    };
    while start.elapsed() < options.weather
        || (start.elapsed() < options.longest && !is_enough(outages.len()))
    {
        let fault = plan.next_fault();
        tokio::time::sleep(fault.calm).await;
        let begin = start.elapsed().as_secs_f64();
        let done = weather::strike(house, servers, &subscriber, &fault).await;
        let end = start.elapsed().as_secs_f64();
        ended.extend(house.restart_ended().await?);
        println!("{:>4} {begin:7.1} s  {fault}  ({:.1} s)", outages.len() + 1, end - begin);
        outages.push(Outage { name: fault.kind.to_string(), begin, end });
        if let Err(error) = done {
            broken = Err(format!("{fault} did not heal: {error}").into());
            break;
        }
    }
    println!("the weather is fine; waiting for what is under way");
    stop.store(true, Ordering::Relaxed);
    let records = flow.await?;
    let end = start.elapsed().as_secs_f64();
    refresher.abort();
    broken?;
    let mut evidence = evidence::gather(house, &client, records, subscriber, heads).await?;
    evidence.outages = outages;
    evidence.ended = ended;
    evidence.end = end;
    let report = Report::of(options, &evidence);
    report::save(&options.folder, &report, &evidence)?;
    Ok(report)
}
