//! This process's membership of the mesh.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;
use tracing::Instrument;

use crate::token::{self, Authority, Keyring, Keys, Own, Remote};
use crate::{Caller, Channel, Config, Error, fault, serve};

/// This process's membership of the mesh: who it trusts, who it is, whom it can reach, and when
/// it is to stop.
#[derive(Clone)]
pub struct Mesh(Arc<Membership>);

struct Membership {
    name: &'static str,
    config: Config,
    keyring: Arc<Keyring>,
    own: Arc<Own>,
    tasks: TaskTracker,
    /// Asks the process to stop.
    stop: CancellationToken,
    /// Tells handlers and tasks that it does.
    shutdown: CancellationToken,
    /// Tells the stack that streams can be waited for no longer.
    cut: CancellationToken,
    heeds_signals: bool,
    /// The background task that panicked.
    fallen: Arc<OnceLock<&'static str>>,
    /// Who tells whether calls are welcome, once there is something to call.
    health: OnceLock<HealthReporter>,
}

impl Mesh {
    /// Joins the mesh as `name`.
    ///
    /// Identity need not be up yet: keys are learned, and the own token is obtained, as soon as
    /// it answers.
    pub async fn join(name: &'static str, config: &Config) -> Result<Self, Error> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let open = |own| Channel::open(name, &config.identity_url, own, config.longest_call);
        let plain = open(None)?;
        // The own token is obtained over the plain channel and presented over the other.
        let key = config.service_key.clone();
        let exchange = Remote::new(name, key.clone(), plain.clone(), plain.clone());
        let own = Own::new(Arc::new(exchange));
        let remote = Remote::new(name, key, plain, open(Some(own.clone()))?);
        Ok(Self::member(name, config.clone(), Arc::new(remote), own, true))
    }

    /// Joins the mesh as `name` with `authority` in place of identity.
    ///
    /// Identity itself joins this way: it need not ask itself over the network.
    pub fn join_with(name: &'static str, config: &Config, authority: Arc<dyn Authority>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own = Own::new(authority.clone());
        Self::member(name, config.clone(), authority, own, true)
    }

    /// Returns a member for tests, who believes `keys`, takes no signals and drains quickly.
    pub fn testing(name: &'static str, keys: Keys) -> Self {
        let config = Config { drain_timeout: Duration::from_secs(2), ..Config::default() };
        Self::testing_with(name, keys, config)
    }

    /// Returns a member for tests with settings of its own.
    pub fn testing_with(name: &'static str, keys: Keys, config: Config) -> Self {
        let authority: Arc<dyn Authority> = Arc::new(keys);
        let own = Own::new(authority.clone());
        Self::member(name, config, authority, own, false)
    }

    fn member(
        name: &'static str,
        config: Config,
        authority: Arc<dyn Authority>,
        own: Arc<Own>,
        heeds_signals: bool,
    ) -> Self {
        let keyring = Keyring::new(authority);
        tokio::spawn(token::keep_keyring(Arc::downgrade(&keyring)));
        tokio::spawn(token::keep_own(Arc::downgrade(&own)));
        Self(Arc::new(Membership {
            name,
            config,
            keyring,
            own,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            shutdown: CancellationToken::new(),
            cut: CancellationToken::new(),
            heeds_signals,
            fallen: Arc::default(),
            health: OnceLock::new(),
        }))
    }

    /// Opens a channel to the service at `url`, to make its generated client of.
    pub fn channel(&self, url: &str) -> Result<Channel, Error> {
        Channel::open(self.0.name, url, Some(self.0.own.clone()), self.0.config.longest_call)
    }

    /// Returns the token that is cancelled when the process is to stop.
    ///
    /// Streams and background loops end then; what goes on is cut off a little before the drain
    /// timeout.
    pub fn shutdown(&self) -> CancellationToken {
        self.0.shutdown.clone()
    }

    /// Asks the process to stop, as SIGTERM does.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Runs `future` beside the calls. Stopping waits for it.
    ///
    /// A panic ends the process, in order and with a failure: whoever runs it starts it again,
    /// whereas a service that answers but does not work would go unnoticed.
    pub fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let span = tracing::info_span!("task", task.name = name);
        let (fallen, stop) = (self.0.fallen.clone(), self.0.stop.clone());
        let guarded = async move {
            if AssertUnwindSafe(future).catch_unwind().await.is_err() {
                tracing::error!(task.name = name, "background task panicked");
                let _ = fallen.set(name);
                stop.cancel();
            }
        };
        self.0.tasks.spawn(guarded.instrument(span));
    }

    /// Returns who `token` names, if it holds: for doors beside gRPC.
    pub async fn verify(&self, token: &str) -> Result<Caller, Status> {
        self.0.keyring.verify(token).await.map_err(|it| fault::status(&it))
    }

    /// Serves `routes` through the whole stack, with health and reflection, until told to stop.
    ///
    /// Returns when all calls have ended or the drain timeout has passed.
    pub async fn serve(self, routes: Routes) -> Result<(), Error> {
        let listener = TcpListener::bind(self.0.config.listen_addr).await?;
        self.serve_on(listener, routes).await
    }

    /// Serves `routes` on `listener`, as [`Mesh::serve`] does.
    pub async fn serve_on(self, listener: TcpListener, routes: Routes) -> Result<(), Error> {
        serve::grpc(&self, listener, routes).await?;
        self.verdict()
    }

    /// Returns `routes` within the whole stack, with health and reflection, to be a part of what
    /// [`Mesh::serve_http`] serves.
    pub async fn app(&self, routes: Routes) -> Result<axum::Router, Error> {
        serve::app(self, routes).await
    }

    /// Serves `router` as it is, without the stack, until told to stop: for the doors of the mesh,
    /// which speak more than gRPC.
    pub async fn serve_http(self, router: axum::Router) -> Result<(), Error> {
        let listener = TcpListener::bind(self.0.config.listen_addr).await?;
        self.serve_http_on(listener, router).await
    }

    /// Serves `router` on `listener`, as [`Mesh::serve_http`] does.
    pub async fn serve_http_on(
        self,
        listener: TcpListener,
        router: axum::Router,
    ) -> Result<(), Error> {
        serve::http(&self, listener, router).await?;
        self.verdict()
    }

    /// Fails if it was a panic that ended the process.
    fn verdict(&self) -> Result<(), Error> {
        match self.0.fallen.get() {
            Some(name) => Err(format!("the background task `{name}` panicked").into()),
            None => Ok(()),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.0.name
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    pub(crate) fn cut(&self) -> CancellationToken {
        self.0.cut.clone()
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    pub(crate) fn stopping(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    pub(crate) fn reports_to(&self, health: HealthReporter) {
        let _ = self.0.health.set(health);
    }

    pub(crate) fn health(&self) -> Option<&HealthReporter> {
        self.0.health.get()
    }

    pub(crate) fn heeds_signals(&self) -> bool {
        self.0.heeds_signals
    }
}

impl fmt::Debug for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mesh").field("name", &self.0.name).finish_non_exhaustive()
    }
}
