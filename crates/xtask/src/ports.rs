//! Which port is whose.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

use crate::secrets::Book;

/// Where the remembered ports begin.
const BASE: u16 = 4400;

/// Ports by name, the same at every start while they are free.
#[derive(Debug)]
pub(crate) struct Ports {
    book: Book,
    given: Vec<u16>,
}

impl Ports {
    pub(crate) fn new(book: Book) -> Self {
        Self { book, given: Vec::new() }
    }

    /// The port that `name` had last time, else its usual one, else any.
    pub(crate) fn of(&mut self, name: &str, offset: u16) -> Result<u16> {
        let last = self.book.get(name).and_then(|it| it.parse().ok());
        let usual = BASE + offset;
        let candidates = [last, Some(usual)].into_iter().flatten();
        let port = match candidates.into_iter().find(|it| self.is_free(*it)) {
            Some(port) => port,
            None => self.any()?,
        };
        self.given.push(port);
        self.book.set(name, port.to_string());
        Ok(port)
    }

    /// The one port that people know, which is therefore not moved silently.
    pub(crate) fn front(&mut self, port: u16) -> Result<u16> {
        if !self.is_free(port) {
            bail!(
                "port {port} is in use by another program; choose another with \
                 `cargo xtask up --port {}`",
                port.saturating_add(1)
            );
        }
        self.given.push(port);
        Ok(port)
    }

    pub(crate) fn save(&self) -> Result<()> {
        self.book.save()
    }

    fn is_free(&self, port: u16) -> bool {
        !self.given.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    }

    fn any(&self) -> Result<u16> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
        Ok(listener.local_addr()?.port())
    }
}
