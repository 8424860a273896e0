//! Asks a process whether it is well: by HTTP, by gRPC, or as Redis and PostgreSQL are asked.

use std::io::{Read, Write};
use std::time::Duration;

use crate::grpc::{Field, call, dial, fields};

const PATIENCE: Duration = Duration::from_secs(2);

/// How a process says that it is well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Health {
    /// `grpc.health.v1.Health/Check` answers SERVING.
    Grpc,
    /// A GET of this path answers anything but a server's error.
    Http(&'static str),
    /// `PING` is answered by `PONG`.
    Redis,
    /// A connection is answered in PostgreSQL's protocol.
    Postgres,
}

impl Health {
    pub(crate) fn is_well(self, port: u16) -> bool {
        let asked = match self {
            Self::Grpc => grpc(port),
            Self::Http(path) => http(port, path),
            Self::Redis => redis(port),
            Self::Postgres => postgres(port),
        };
        asked.unwrap_or(false)
    }
}

fn http(port: u16, path: &str) -> std::io::Result<bool> {
    let mut stream = dial(port, PATIENCE)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status.starts_with(b"HTTP/1.") && status[9] < b'5')
}

fn redis(port: u16) -> std::io::Result<bool> {
    let mut stream = dial(port, PATIENCE)?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(answer == *b"+PONG\r\n")
}

/// Asks for TLS, which is answered by one letter once the server accepts connections at all.
fn postgres(port: u16) -> std::io::Result<bool> {
    let mut stream = dial(port, PATIENCE)?;
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47])?;
    let mut answer = [0; 1];
    stream.read_exact(&mut answer)?;
    Ok(matches!(answer[0], b'S' | b'N'))
}

fn grpc(port: u16) -> std::io::Result<bool> {
    let reply = call(port, "/grpc.health.v1.Health/Check", "", &[])?;
    // `status: SERVING`
    Ok(fields(&reply) == [(1, Field::Number(1))])
}
