//! One address of a service: its connection, how busy it is, whether it is worth asking.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Uri;
use tonic::transport::{self, ClientTlsConfig};
use uuid::Uuid;

use super::discover::Target;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How many refusals in a row make an endpoint that can be reached not worth asking.
const SICK: u32 = 5;

const FIRST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(10);

const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
const HEADER_LIST: u32 = 16 * 1024;

/// One address of a service.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    connector: transport::Endpoint,
    // Whoever holds it connects; the others wait for what that brings, be it a failure.
    connection: tokio::sync::Mutex<Slot>,
    health: Mutex<Health>,
    busy: AtomicUsize,
}

#[derive(Default)]
struct Slot {
    connection: Option<Connection>,
    failed: Option<Instant>,
}

/// Says that there is no connection and that none can be made now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unreachable;

/// A connection, and which one it is of those that this endpoint had.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) channel: transport::Channel,
    number: Uuid,
}

#[derive(Debug, Default)]
struct Health {
    refusals: u32,
    rest: Option<Rest>,
}

/// Why and until when an endpoint is left alone.
#[derive(Clone, Copy, Debug)]
struct Rest {
    is_unreachable: bool,
    length: Duration,
    until: Instant,
    is_probed: bool,
}

/// How an endpoint fares.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Condition {
    /// Answers, as far as is known.
    Fit,
    /// Can be reached but kept refusing.
    Sick,
    /// Cannot be reached.
    Unreachable,
}

impl Endpoint {
    pub(crate) fn new(name: &str, address: SocketAddr, target: &Target) -> Self {
        let scheme = if target.is_tls { "https" } else { "http" };
        let uri = Uri::try_from(format!("{scheme}://{address}")).expect("an address is a host");
        let mut connector = transport::Endpoint::from(uri)
            .origin(target.origin.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(Duration::from_secs(60)))
            // Finds peers that vanished without a word, long before TCP does.
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true)
            .http2_max_header_list_size(HEADER_LIST)
            // Whoever leaves a stream before its last frame is here makes one of these. After 1,024 in a
            // connection's life it would be ended, with all calls on it.
            .http2_max_local_error_reset_streams(None)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        if let Ok(named) = connector.clone().user_agent(format!("sartiq-{name}")) {
            connector = named;
        }
        if target.is_tls {
            let tls = ClientTlsConfig::new().with_enabled_roots().domain_name(target.domain());
            match connector.clone().tls_config(tls) {
                Ok(secured) => connector = secured,
                Err(error) => tracing::error!(%error, "TLS cannot be set up"),
            }
        }
        Self {
            address,
            connector,
            connection: tokio::sync::Mutex::default(),
            health: Mutex::default(),
            busy: AtomicUsize::new(0),
        }
    }

    /// Returns a connection, made now if there is none.
    ///
    /// tonic would connect by itself, but only with a request in hand; here a request is not
    /// given away before there is something to send it over.
    pub(crate) async fn connection(&self) -> Result<Connection, Unreachable> {
        let asked = Instant::now();
        let mut slot = self.connection.lock().await;
        if let Some(connection) = &slot.connection {
            return Ok(connection.clone());
        }
        // Somebody tried while we waited: an address that swallows packets costs everybody one
        // wait, not one after the other.
        if slot.failed.is_some_and(|it| asked < it) {
            return Err(Unreachable);
        }
        match self.connector.connect().await {
            Ok(channel) => {
                let connection = Connection { channel, number: Uuid::new_v4() };
                self.with(|health| health.rest = None);
                Ok(slot.connection.insert(connection).clone())
            }
            Err(error) => {
                let error = types::chain(&error);
                tracing::debug!(address = %self.address, error, "cannot connect");
                slot.failed = Some(Instant::now());
                self.rest(true);
                Err(Unreachable)
            }
        }
    }

    /// Gives up a connection that failed, so that the next call makes a new one.
    pub(crate) async fn give_up(&self, failed: &Connection) {
        let mut slot = self.connection.lock().await;
        // Of several calls that failed together, only the first finds its own.
        if slot.connection.as_ref().is_some_and(|it| it.number == failed.number) {
            slot.connection = None;
        }
    }

    /// Notes that a call was answered.
    pub(crate) fn answered(&self) {
        self.with(|health| *health = Health::default());
    }

    /// Notes that a call was refused as unavailable, which too often in a row means sick.
    pub(crate) fn refused(&self) {
        let refusals = self.with(|health| {
            health.refusals = health.refusals.saturating_add(1);
            health.refusals
        });
        if SICK <= refusals {
            self.rest(false);
        }
    }

    /// Notes that a connection was lost under a call.
    pub(crate) fn lost(&self) {
        self.with(|health| health.refusals = health.refusals.saturating_add(1));
    }

    fn rest(&self, is_unreachable: bool) {
        self.with(|health| {
            let length = health.rest.map_or(FIRST_REST, |rest| {
                // Several calls that failed together are one failure.
                let is_new = rest.is_probed || rest.until <= Instant::now();
                if is_new { 2 * rest.length } else { rest.length }
            });
            let length = length.min(LONGEST_REST);
            // Spread, so that clients of a service that restarts do not all arrive at once.
            let until = Instant::now() + length.mul_f64(rand::random_range(0.8..1.2));
            health.rest = Some(Rest { is_unreachable, length, until, is_probed: false });
        });
    }

    /// Returns how the endpoint fares.
    pub(crate) fn condition(&self) -> Condition {
        self.with(|health| match health.rest {
            // Must be reached once before anybody relies on it again; see the keeper.
            Some(rest) if rest.is_unreachable => Condition::Unreachable,
            // Rested: the next call will tell.
            Some(rest) if Instant::now() < rest.until => Condition::Sick,
            _ => Condition::Fit,
        })
    }

    /// Tells whether an unreachable endpoint has rested long enough to be tried, once.
    pub(crate) fn begin_probe(&self) -> bool {
        let now = Instant::now();
        self.with(|health| match &mut health.rest {
            Some(rest) if rest.is_unreachable && !rest.is_probed && rest.until <= now => {
                rest.is_probed = true;
                true
            }
            _ => false,
        })
    }

    /// Returns how many calls are under way.
    pub(crate) fn load(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    /// Counts a call until what is returned is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Health) -> T) -> T {
        act(&mut self.health.lock().expect("no holder panics"))
    }
}

/// A call that is under way.
pub(crate) struct Busy(Arc<Endpoint>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
