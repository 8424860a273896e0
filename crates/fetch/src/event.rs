//! Server-sent events, for vendors that report progress so.

use std::collections::VecDeque;

use bytes::BytesMut;
use serde::de::DeserializeOwned;

use crate::{
    error::{Error, Result},
    response::Incoming,
};

/// The longest event that is kept in memory.
const LONGEST: usize = 4 << 20;

/// One event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Event {
    /// Its kind; empty where the server gives none.
    pub name: String,
    /// Its text.
    pub data: String,
    /// Its id, to resume after it.
    pub id: Option<String>,
}

impl Event {
    /// Reads the text as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_str(&self.data)?)
    }
}

/// A stream of events.
#[derive(Debug)]
pub struct Events {
    incoming: Incoming,
    parser: Parser,
}

impl Events {
    pub(crate) fn new(incoming: Incoming) -> Self {
        Self { incoming, parser: Parser::default() }
    }

    /// The next event, or nothing once the server has closed the stream.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.parser.ready.pop_front() {
                return Ok(Some(event));
            }
            match self.incoming.chunk().await? {
                Some(chunk) => self.parser.feed(&chunk)?,
                None => return Ok(None),
            }
        }
    }
}

#[derive(Debug, Default)]
struct Parser {
    line: BytesMut,
    event: Event,
    has_data: bool,
    ended_with_cr: bool,
    ready: VecDeque<Event>,
}

impl Parser {
    fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        for byte in chunk {
            match byte {
                // A line ends with CR, LF or both; the LF of a CRLF ends nothing more.
                b'\n' if self.ended_with_cr => {}
                b'\n' | b'\r' => {
                    let line = self.line.split();
                    self.end_line(&String::from_utf8_lossy(&line));
                }
                _ => self.line.extend_from_slice(&[*byte]),
            }
            self.ended_with_cr = *byte == b'\r';
            if self.line.len() + self.event.data.len() > LONGEST {
                return Err(Error::TooLarge(LONGEST as u64));
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &str) {
        if line.is_empty() {
            let mut event = std::mem::take(&mut self.event);
            // The id holds until another comes.
            self.event.id = event.id.clone();
            if std::mem::take(&mut self.has_data) {
                event.data.pop();
                self.ready.push_back(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                self.has_data = true;
                self.event.data.push_str(value);
                self.event.data.push('\n');
            }
            "event" => value.clone_into(&mut self.event.name),
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            // Comments are heartbeats; `retry` is for browsers.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str, id: Option<&str>) -> Event {
        Event { name: name.to_owned(), data: data.to_owned(), id: id.map(str::to_owned) }
    }

    #[test]
    fn any_cut_gives_the_same_events() -> Result<()> {
        let text = ": beat\n\ndata: one\n\nevent: progress\r\nid: 7\r\ndata: two\r\ndata:three\r\n\r\n\
                    data\r\rretry: 5\nid\n\ndata: ä\n\n: never finished\ndata: lost";
        let wanted = [
            event("", "one", None),
            event("progress", "two\nthree", Some("7")),
            event("", "", Some("7")),
            event("", "ä", Some("")),
        ];
        for size in 1..=text.len() {
            let mut parser = Parser::default();
            for chunk in text.as_bytes().chunks(size) {
                parser.feed(chunk)?;
            }
            assert_eq!(Vec::from(parser.ready), wanted, "chunks of {size}");
        }
        Ok(())
    }
}
