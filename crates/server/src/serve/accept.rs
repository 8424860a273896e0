//! Taking connections in, whatever goes wrong with one of them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The door. Never closes by itself.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    pause: Duration,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, pause: FIRST_PAUSE }
    }

    /// Returns the next connection and who made it.
    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = FIRST_PAUSE;
                    // Fails only where the peer left already, which reading will tell.
                    let _ = stream.set_nodelay(true);
                    return (stream, peer);
                }
                Err(error) if is_about_one(&error) => {
                    tracing::debug!(%error, "a connection failed before it began");
                }
                Err(error) => {
                    // Out of file descriptors or memory: asking again at once would only spin.
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(self.pause).await;
                    self.pause = (2 * self.pause).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

/// Tells whether the failure concerns one connection and not the listener.
fn is_about_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_files_is_about_all_and_a_reset_about_one() {
        // EMFILE, ENFILE, ENOBUFS, ENOMEM.
        for errno in [24, 23, 105, 12] {
            assert!(!is_about_one(&io::Error::from_raw_os_error(errno)), "{errno}");
        }
        // ECONNABORTED, ECONNRESET, EINTR.
        for errno in [103, 104, 4] {
            assert!(is_about_one(&io::Error::from_raw_os_error(errno)), "{errno}");
        }
    }
}
