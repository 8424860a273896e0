//! The runtime, tried with a made-up vendor whose every mistake can be ordered.

mod vendor;

use std::time::Duration;

use provider::conformance::{self, Ailment, Stage, Stub};
use provider::*;
use serde::{Deserialize, Serialize};

use crate::vendor::{Acme, Answered};

/// The adapter to it.
#[derive(Clone, Debug)]
struct Adapter {
    base: Url,
    hosts: Hosts,
    http: Vendor,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Job {
    url: Url,
}

impl Adapter {
    fn new(base: &str, key: &str) -> Result<Self, provider::Error> {
        let base = Url::parse(base)?;
        let hosts = Hosts::default().with(&base);
        let http = Vendor::new(hosts.clone())?
            .with_secret("authorization", key.into())
            .with_own(|it| it.header("x-acme").is_some());
        Ok(Self { base, hosts, http })
    }
}

fn failure(answer: &Answer) -> Failure {
    let answered: Answered = answer.json().unwrap_or_default();
    match answered.error.as_str() {
        "policy" => Failure::new(Code::ContentPolicyInput, "not that"),
        "unreadable" => Failure::new(Code::InputUnreadable, "cannot read it"),
        "cancelled" => Failure::new(Code::Cancelled, "cancelled"),
        _ => answer.failure("acme says no"),
    }
}

impl Provider for Adapter {
    const NAME: &'static str = "acme";

    type Job = Job;

    fn profile(&self) -> Profile {
        Profile {
            sandboxed: true,
            cancel: Support::Full,
            progress: Support::Full,
            result_ttl: Some(Duration::from_secs(600)),
            max_concurrency: 2,
        }
    }

    fn models(&self) -> Vec<Model> {
        let sizes = Sizes::Free {
            multiple: 16,
            min_side: 64,
            max_side: 1024,
            max_pixels: 1_000_000,
            width: 512,
            height: 512,
        };
        let limits = Limits { max_outputs: 2, max_references: 3, sizes, ..Limits::default() };
        let price = Price { unit: Counted::Megapixel, usd_micros: 10_000 };
        let model = |id: &str, capability| Model {
            id: id.into(),
            name: id.into(),
            capability,
            limits: limits.clone(),
            price,
        };
        vec![model("acme/draw", Capability::TextToImage), model("acme/edit", Capability::EditImage)]
    }

    fn result_hosts(&self) -> Hosts {
        self.hosts.clone()
    }

    fn admits(&self, job: &Job) -> bool {
        self.http.permits(&job.url)
    }

    async fn upload(&self, file: File) -> Result<Uploaded> {
        let reference = data_uri(file.media_type, &file.bytes);
        Ok(Uploaded { reference, lasts: Duration::from_secs(600) })
    }

    async fn submit(&self, run: Prepared) -> Result<Accepted<Job>> {
        let answer = self.http.post(format!("{}jobs", self.base)).json(&run.count).once().await?;
        if !answer.is_success() {
            return Err(failure(&answer));
        }
        let answered: Answered = answer.json().map_err(Failure::in_doubt)?;
        let url = format!("{}jobs/{}", self.base, answered.id);
        let url = Url::parse(&url).map_err(|it| Failure::protocol(it.to_string()).in_doubt())?;
        Ok(Accepted { job_id: answered.id, job: Job { url } })
    }

    async fn poll(&self, job: &Job) -> Result<State> {
        let answer = self.http.get(job.url.as_str()).freely().await?;
        if !answer.is_success() {
            return Err(failure(&answer));
        }
        let answered: Answered = answer.json().map_err(Failure::passing)?;
        Ok(match answered.state.as_str() {
            "queued" => State::Queued { position: Some(1) },
            "running" => State::Running { percent: answered.percent, message: None },
            "done" => State::Succeeded(Success {
                outputs: (answered.outputs.into_iter())
                    .map(|url| Output { url, size_bytes: None, seed: Some(7) })
                    .collect(),
                billed_units: None,
                request_id: answered.id,
            }),
            other => State::Unknown(other.to_owned()),
        })
    }

    async fn cancel(&self, job: &Job) -> Result<Cancelled> {
        let answer = self.http.put(format!("{}/cancel", job.url)).freely().await?;
        match answer.status() {
            200 => Ok(Cancelled::Done),
            409 => Ok(Cancelled::TooLate),
            404 => Ok(Cancelled::UnknownRun),
            _ => Err(failure(&answer)),
        }
    }

    async fn check(&self) -> Result<()> {
        let answer = self.http.get(format!("{}check", self.base)).freely().await?;
        if answer.is_success() { Ok(()) } else { Err(failure(&answer)) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_keeps_every_promise() -> Result<(), provider::Error> {
    let acme = Acme::start().await?;
    let base = acme.base.clone();
    let build = || Adapter::new(&base, "key").expect("an adapter");
    conformance::check(build, &acme).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_not_there_is_asked_for_nothing() -> Result<(), provider::Error> {
    let adapter = Adapter::new("http://127.0.0.1:1/", "key")?;
    let model = adapter.models().swap_remove(0);
    let stage = Stage::new(adapter).await;
    let followed = stage.run(stage.request(stage.input(&model))).await;
    let failure = followed.failure()?;
    assert_eq!(failure.code(), Code::Upstream);
    assert!(!failure.maybe_submitted, "nothing was sent");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_and_never_goes_down() -> Result<(), provider::Error> {
    use api::sartiq::provider::v1::run_event::Event;
    let acme = Acme::start().await?;
    acme.ail(Ailment::None).await;
    let adapter = Adapter::new(&acme.base, "key")?;
    let model = adapter.models().swap_remove(0);
    // Slow enough that coalescing lets several through.
    let stage = Stage::with(adapter, |it| it.poll_soonest = Duration::from_millis(300)).await;
    let followed = stage.run(stage.request(stage.input(&model))).await;
    followed.completed()?;
    let percents: Vec<u32> = (followed.events.iter())
        .filter_map(|it| match &it.event {
            Some(Event::Progress(progress)) => progress.percent,
            _ => None,
        })
        .collect();
    assert!(!percents.is_empty() && percents.is_sorted(), "{percents:?}");
    Ok(())
}
