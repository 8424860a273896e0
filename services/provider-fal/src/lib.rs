//! fal, translated: its queue protocol on one side, the words of all vendors on the other.

mod catalogue;
mod failure;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use provider::{
    Accepted, Cancelled, Code, Error, ExposeSecret, Failure, File, Hosts, Model, Prepared, Profile,
    Provider, Result, SecretString, State, Support, Uploaded, Url, Vendor, data_uri,
};
use serde::{Deserialize, Serialize};

use crate::catalogue::Entry;

/// Where fal's queue is; anything else is a sandbox.
const QUEUE: &str = "https://queue.fal.run";

/// How long fal keeps what we upload and what it makes for us.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Inputs up to this many bytes travel inside the request, which is faster than an upload.
const TINY: usize = 8 << 10;

/// What fal needs to know about us.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// The key that fal knows us by.
    #[arg(long, env, hide_env_values = true)]
    pub fal_key: SecretString,

    /// Where fal's queue answers.
    #[arg(long, env, default_value = QUEUE)]
    pub fal_queue_url: Url,

    /// Where fal answers at once. Nothing is run there; its host may name results.
    #[arg(long, env, default_value = "https://fal.run")]
    pub fal_run_url: Url,

    /// Where fal's storage and tokens answer.
    #[arg(long, env, default_value = "https://rest.fal.ai")]
    pub fal_rest_url: Url,

    /// The hosts that results may come from, beside those of the URLs above.
    #[arg(long, env, value_delimiter = ',', default_value = "*.fal.media,*.fal.run")]
    pub fal_result_hosts: Vec<String>,

    /// The hosts that fal may ask to upload to, beside those of results.
    #[arg(long, env, value_delimiter = ',', default_value = "*.fal.ai,storage.googleapis.com")]
    pub fal_upload_hosts: Vec<String>,

    /// A file with the models to offer in place of those that are built in.
    #[arg(long, env)]
    pub fal_models_file: Option<PathBuf>,

    /// How many seconds fal may take to answer one question.
    #[arg(long, env, default_value_t = 30.0)]
    pub fal_timeout_seconds: f64,

    /// How many runs the account may have at once, as agreed with fal. 0 if unknown.
    #[arg(long, env, default_value_t = 0)]
    pub fal_max_concurrency: u32,
}

/// The vendor.
#[derive(Clone, Debug)]
pub struct Fal {
    config: Config,
    entries: Vec<Entry>,
    results: Hosts,
    /// The queue and the storage, which learn our key.
    api: Vendor,
    /// Where uploads go, which do not.
    uploads: Vendor,
}

/// What is needed to ask after a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Job {
    /// What fal calls the run.
    pub request_id: String,
    /// The model.
    pub model: String,
    /// Where it says how far the run is.
    pub status_url: Url,
    /// Where it says what the run made.
    pub response_url: Url,
    /// Where it takes a cancellation.
    pub cancel_url: Url,
}

impl Fal {
    /// Returns fal as `config` finds it.
    pub fn new(config: Config) -> Result<Self, Error> {
        let ours = |hosts: Hosts| {
            hosts.with(&config.fal_queue_url).with(&config.fal_run_url).with(&config.fal_rest_url)
        };
        let results = ours(Hosts::new(&config.fal_result_hosts));
        let uploads =
            ours(Hosts::new(config.fal_result_hosts.iter().chain(&config.fal_upload_hosts)));
        let key = format!("Key {}", config.fal_key.expose_secret().trim());
        let api = Vendor::new(ours(Hosts::default()))?
            .with_secret("authorization", key.into())
            .with_timeout(Duration::try_from_secs_f64(config.fal_timeout_seconds)?)
            .with_own(failure::is_own);
        Ok(Self {
            entries: catalogue::read(config.fal_models_file.as_deref())?,
            results,
            uploads: Vendor::new(uploads)?,
            api,
            config,
        })
    }

    fn entry(&self, model: &str) -> Result<&Entry> {
        self.entries
            .iter()
            .find(|it| it.model.id == model)
            .ok_or_else(|| Failure::new(Code::NotFound, format!("there is no model `{model}`")))
    }

    /// Asks what a run that fal calls completed has made, which may yet be nothing.
    async fn result(&self, job: &Job) -> Result<State> {
        let answer = self.api.get(job.response_url.as_str()).believing_refusals().freely().await?;
        if !answer.is_success() {
            let failure = failure::of(&answer);
            // The run's own refusal is final; one of the machines in front of it says nothing.
            let is_final = failure::is_own(&answer) && answer.status() != 429;
            return Err(if is_final { failure } else { failure::of_asking(&answer) });
        }
        let units = answer.header("x-fal-billable-units").map(str::to_owned);
        // A body that is cut off or garbled is asked for again: what it says is paid for.
        let made: wire::Made = answer.json().map_err(Failure::passing)?;
        wire::success(made, units, job).map(State::Succeeded)
    }

    /// Names the URLs of a run as fal's own clients do, which drop what follows `owner/alias`.
    fn url(&self, model: &str, request_id: &str, end: &str) -> Result<Url> {
        let app: Vec<&str> = model.splitn(3, '/').take(2).collect();
        let base = self.config.fal_queue_url.as_str().trim_end_matches('/');
        let url = format!("{base}/{}/requests/{request_id}{end}", app.join("/"));
        Url::parse(&url)
            .map_err(|_| Failure::protocol("the vendor's request id is no part of a URL"))
    }

    /// Takes the URLs that fal answered with, or where it may not be found there, its usual ones.
    fn job(&self, model: &str, taken: wire::Taken) -> Result<Job> {
        let id = taken.request_id;
        let pick = |answered: Option<Url>, end| match answered.filter(|it| self.api.permits(it)) {
            Some(url) => Ok(url),
            None => self.url(model, &id, end),
        };
        Ok(Job {
            status_url: pick(taken.status_url, "/status")?,
            response_url: pick(taken.response_url, "")?,
            cancel_url: pick(taken.cancel_url, "/cancel")?,
            model: model.to_owned(),
            request_id: id,
        })
    }
}

impl Provider for Fal {
    const NAME: &'static str = "fal";

    type Job = Job;

    fn profile(&self) -> Profile {
        Profile {
            sandboxed: self.config.fal_queue_url.as_str().trim_end_matches('/') != QUEUE,
            cancel: Support::Full,
            progress: Support::Partial,
            result_ttl: Some(LIFETIME),
            max_concurrency: self.config.fal_max_concurrency,
        }
    }

    fn models(&self) -> Vec<Model> {
        self.entries.iter().map(|it| it.model.clone()).collect()
    }

    fn result_hosts(&self) -> Hosts {
        self.results.clone()
    }

    fn admits(&self, job: &Job) -> bool {
        [&job.status_url, &job.response_url, &job.cancel_url]
            .into_iter()
            .all(|it| self.api.permits(it))
    }

    async fn upload(&self, file: File) -> Result<Uploaded> {
        if file.bytes.len() <= TINY {
            let reference = data_uri(file.media_type, &file.bytes);
            return Ok(Uploaded { reference, lasts: Duration::ZERO });
        }
        let base = self.config.fal_rest_url.as_str().trim_end_matches('/');
        let answer = self
            .api
            .post(format!("{base}/storage/upload/initiate?storage_type=fal-cdn-v3"))
            .json(&wire::Upload { content_type: file.media_type, file_name: &file.name })
            .freely()
            .await?;
        if !answer.is_success() {
            return Err(failure::of_asking(&answer));
        }
        let place: wire::Place = answer.json()?;
        let answer = self
            .uploads
            .put(place.upload_url)
            .without_secret()
            .header("x-fal-object-lifecycle", wire::lifecycle(LIFETIME))
            .bytes(file.media_type, file.bytes)
            .freely()
            .await?;
        if !answer.is_success() {
            return Err(answer.failure("the vendor did not take an input"));
        }
        Ok(Uploaded { reference: place.file_url, lasts: LIFETIME })
    }

    async fn submit(&self, run: Prepared) -> Result<Accepted<Job>> {
        let entry = self.entry(&run.model)?;
        let arguments = wire::arguments(entry.family, &run)?;
        let base = self.config.fal_queue_url.as_str().trim_end_matches('/');
        let answer = self
            .api
            .post(format!("{base}/{}", run.model))
            .header("x-fal-object-lifecycle-preference", wire::lifecycle(LIFETIME))
            // Fal passes it over; a record of what was asked tells by it which run asked.
            .header("x-client-reference", run.run_id.clone())
            .json(&arguments)
            .once()
            .await?;
        if !answer.is_success() {
            let failure = failure::of(&answer);
            // A gateway that gave up on fal does not know whether fal took the run.
            let is_lost =
                answer.status() >= 500 && answer.status() != 503 && !failure::is_own(&answer);
            return Err(if is_lost { failure.in_doubt() } else { failure });
        }
        let taken: wire::Taken = answer.json().map_err(Failure::in_doubt)?;
        let job = self.job(&run.model, taken).map_err(Failure::in_doubt)?;
        Ok(Accepted { job_id: job.request_id.clone(), job })
    }

    async fn poll(&self, job: &Job) -> Result<State> {
        let mut url = job.status_url.clone();
        url.query_pairs_mut().append_pair("logs", "1");
        let answer = self.api.get(url).freely().await?;
        if !answer.is_success() {
            return Err(failure::of_asking(&answer));
        }
        let status: wire::Status = answer.json().map_err(Failure::passing)?;
        match status.status.as_str() {
            "IN_QUEUE" => Ok(State::Queued { position: status.queue_position }),
            "IN_PROGRESS" => {
                let message = status.last_line();
                Ok(State::Running { percent: message.as_deref().and_then(wire::percent), message })
            }
            "COMPLETED" => match status.failure(&job.request_id) {
                // The result says the same with its details: the field, the HTTP status.
                Some(failure) => match self.result(job).await {
                    Err(told) if !told.is_passing => Err(told),
                    _ => Err(failure),
                },
                None => self.result(job).await,
            },
            _ => Ok(State::Unknown(status.status)),
        }
    }

    async fn cancel(&self, job: &Job) -> Result<Cancelled> {
        let answer = self.api.put(job.cancel_url.as_str()).freely().await?;
        Ok(match answer.status() {
            200..300 => Cancelled::Requested,
            // Fal says so with a 400, and a client that asks again would with a 409.
            400 | 409 => Cancelled::TooLate,
            404 => Cancelled::UnknownRun,
            _ => return Err(failure::of(&answer)),
        })
    }

    async fn check(&self) -> Result<()> {
        // A token to upload with: free, and given to nobody without a good key.
        let base = self.config.fal_rest_url.as_str().trim_end_matches('/');
        let url = format!("{base}/storage/auth/token?storage_type=fal-cdn-v3");
        let answer = self.api.post(url).json(&serde_json::json!({})).freely().await?;
        if answer.is_success() { Ok(()) } else { Err(failure::of(&answer)) }
    }
}
