//! One unary gRPC call over plain HTTP/2, frame by frame.
//!
//! A health check and a look at a vendor's key do not justify an HTTP/2 library and generated
//! code in the first thing that is built.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Connects to a port of this machine.
pub(crate) fn dial(port: u16, patience: Duration) -> Result<TcpStream> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Calls a method; answers the bytes of the reply's message, or an error if there is none.
pub(crate) fn call(port: u16, path: &str, token: &str, message: &[u8]) -> Result<Vec<u8>> {
    let patience = if token.is_empty() { PATIENCE } else { 10 * PATIENCE };
    let mut stream = dial(port, patience)?;
    // HPACK: `:method: POST` and `:scheme: http` are in the static table, the rest is literal.
    let mut headers = vec![0x83, 0x86];
    literal(&mut headers, Some(4), "", path);
    literal(&mut headers, Some(1), "", "127.0.0.1");
    literal(&mut headers, None, "content-type", "application/grpc");
    literal(&mut headers, None, "te", "trailers");
    if !token.is_empty() {
        literal(&mut headers, None, "authorization", &format!("Bearer {token}"));
    }
    let mut body = vec![0];
    body.extend(length(message.len()).to_be_bytes());
    body.extend(message);
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    frame(&mut request, SETTINGS, 0, 0, &[]);
    frame(&mut request, HEADERS, END_HEADERS, 1, &headers);
    frame(&mut request, DATA, END_STREAM, 1, &body);
    stream.write_all(&request)?;

    let mut reply = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        stream.read_exact(&mut payload)?;
        if kind == DATA {
            reply.extend(payload);
        }
        if let Some((prefix, message)) = reply.split_at_checked(5) {
            let wanted = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
            if wanted <= message.len() {
                return Ok(message[..wanted].to_vec());
            }
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the call was refused"));
        }
    }
}

/// Appends a text field to a protobuf message.
pub(crate) fn text(message: &mut Vec<u8>, number: u8, value: &str) {
    message.push(number << 3 | 2);
    varint(message, value.len());
    message.extend(value.as_bytes());
}

/// The text and the number fields of a protobuf message, by number.
pub(crate) fn fields(mut message: &[u8]) -> Vec<(usize, Field<'_>)> {
    let mut fields = Vec::new();
    while let Some(tag) = read_varint(&mut message) {
        let field = match tag & 7 {
            0 => read_varint(&mut message).map(Field::Number),
            2 => read_varint(&mut message).and_then(|it| {
                let (value, rest) = message.split_at_checked(it)?;
                message = rest;
                Some(Field::Bytes(value))
            }),
            _ => None,
        };
        let Some(field) = field else { break };
        fields.push((tag >> 3, field));
    }
    fields
}

/// A field of a protobuf message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Field<'a> {
    Number(usize),
    Bytes(&'a [u8]),
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.extend(&length(payload.len()).to_be_bytes()[1..]);
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
}

/// A header that is not to be indexed, its name by number or in full.
fn literal(out: &mut Vec<u8>, index: Option<u8>, name: &str, value: &str) {
    out.push(index.unwrap_or(0));
    let texts = if index.is_some() { vec![value] } else { vec![name, value] };
    for text in texts {
        // A length that does not fit seven bits goes on as a varint, less what the seven say.
        match text.len().checked_sub(127) {
            None => out.push(text.len() as u8),
            Some(rest) => {
                out.push(127);
                varint(out, rest);
            }
        }
        out.extend(text.as_bytes());
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("our messages are small")
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while 0x7f < value {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(message: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for (idx, byte) in message.iter().enumerate().take(9) {
        value |= usize::from(byte & 0x7f) << (7 * idx);
        if byte & 0x80 == 0 {
            *message = &message[idx + 1..];
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_written_and_read() {
        let long = "x".repeat(300);
        let mut message = Vec::new();
        text(&mut message, 1, "compute");
        text(&mut message, 2, &long);
        message.extend([3 << 3, 0xac, 0x02]);
        let wanted = vec![
            (1, Field::Bytes(b"compute")),
            (2, Field::Bytes(long.as_bytes())),
            (3, Field::Number(300)),
        ];
        assert_eq!(fields(&message), wanted);
        assert_eq!(fields(&message[..20]), wanted[..1]);
    }
}
