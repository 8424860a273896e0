//! The one value that everything else works on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::config::Config;
use crate::fault::Faults;
use crate::ledger::{Entry, Ledger};
use crate::pricing::Prices;
use crate::store::file::Files;
use crate::store::request::{Request, Requests};
use crate::{Error, jobs};

/// A reference picture must answer its headers this soon.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// And its last byte this soon.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// A sandbox.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) access: Access,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    pub(crate) prices: Prices,
    pub(crate) files: Files,
    pub(crate) requests: Requests,
    /// How many may decode or render at once.
    pub(crate) renderers: Arc<Semaphore>,
    pub(crate) client: reqwest::Client,
    pub(crate) addr: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) latency: f64,
    pub(crate) result_ttl: Duration,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Sandbox {
    pub(crate) fn new(
        config: Config,
        addr: SocketAddr,
        shutdown: CancellationToken,
    ) -> Result<Arc<Self>, Error> {
        let n_processors = std::thread::available_parallelism().map_or(2, usize::from);
        let builder = || {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(FETCH_TIMEOUT)
                .no_proxy()
        };
        // Where the system has no certificates, plain HTTP still works, which is all that a
        // sandbox without the internet needs.
        let client = builder().build().or_else(|_| builder().tls_certs_only([]).build())?;
        let sandbox = Arc::new(Self {
            access: Access::new(config.keys),
            faults: Faults::default(),
            ledger: Ledger::default(),
            prices: Prices::read(config.prices.as_deref()).map_err(Error::Prices)?,
            files: Files::new(config.data, config.store_mb << 20).map_err(Error::Data)?,
            requests: Requests::new(config.workers),
            renderers: Arc::new(Semaphore::new(config.renderers.unwrap_or(n_processors).max(1))),
            client,
            addr,
            public_url: config.public_url.map(|it| it.as_str().trim_end_matches('/').to_owned()),
            latency: config.latency.max(0.0),
            result_ttl: config.result_ttl,
            shutdown,
            tasks: TaskTracker::new(),
        });
        sandbox.tasks.spawn(jobs::sweep::run(sandbox.clone()));
        Ok(sandbox)
    }

    /// Writes what happened to a request into the book.
    pub(crate) fn note(&self, kind: &str, request: &Request, note: Option<String>) {
        self.ledger.write(Entry { note, ..entry(kind, request) });
    }

    /// Forgets everything that was told and done; what runs is cancelled.
    pub(crate) fn reset(&self) {
        self.faults.clear();
        for request in self.requests.all() {
            request.cancel.cancel();
            self.requests.leave_line(&request.id);
            self.requests.forget(&request.id);
        }
        self.files.sweep(Duration::ZERO);
        self.ledger.clear();
    }
}

/// The beginning of an entry about a request.
pub(crate) fn entry(kind: &str, request: &Request) -> Entry {
    Entry {
        kind: kind.to_owned(),
        request_id: Some(request.id.clone()),
        endpoint: Some(request.endpoint.id.clone()),
        client_reference: request.client_reference.clone(),
        input_hash: Some(request.order.input_hash.clone()),
        seed: Some(request.order.seed),
        ..Entry::default()
    }
}
