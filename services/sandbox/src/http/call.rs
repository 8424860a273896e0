//! Which call a request is.

use axum::http::Method;

use super::Incoming;
use crate::address::{Endpoint, Part};
use crate::fault::Operation;
use crate::refusal::Refusal;

/// A call.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Submit(Endpoint),
    Status {
        application: String,
        id: String,
    },
    StatusStream {
        application: String,
        id: String,
    },
    Result {
        application: String,
        id: String,
    },
    Cancel {
        application: String,
        id: String,
    },
    Run(Endpoint),
    Stream(Endpoint),
    Token,
    UploadToken,
    Initiate {
        in_parts: bool,
    },
    /// The bytes of an upload, at the address that was initiated.
    Put {
        key: String,
    },
    /// The bytes of an upload, for which an address is to be made.
    Upload,
    OpenParts,
    PutPart {
        id: String,
        number: u32,
    },
    JoinParts {
        id: String,
        key: String,
    },
    Prices,
    Estimate,
    Download {
        key: String,
    },
    Control,
}

impl Call {
    pub(super) fn read(incoming: &Incoming) -> Result<Self, Refusal> {
        let address = &incoming.address;
        let method = &incoming.parts.method;
        let path = address.path.as_str();
        let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let nothing = || Refusal::not_found(format!("Path /{path} not found"));
        match address.part {
            Part::Control => Ok(Self::Control),
            Part::Queue => queue(method, &parts).ok_or_else(nothing)?,
            Part::Run => run(method, &parts).ok_or_else(nothing)?,
            Part::Rest => rest(method, &parts).ok_or_else(nothing),
            Part::Cdn => cdn(method, &parts).ok_or_else(nothing),
            Part::Files => file(method, &parts).ok_or_else(nothing),
            Part::Api => match (method, parts.as_slice()) {
                (&Method::GET, ["v1", "models", "pricing"]) => Ok(Self::Prices),
                (&Method::POST, ["v1", "models", "pricing", "estimate"]) => Ok(Self::Estimate),
                _ => Err(nothing()),
            },
            Part::Unknown => Err(nothing()),
        }
    }

    /// Whether a key is asked. Downloads are public, as the vendor's are; control is ours.
    pub(super) fn needs_key(&self) -> bool {
        !matches!(self, Self::Download { .. } | Self::Control | Self::Prices | Self::Estimate)
    }

    /// What rules about faults call it.
    pub(super) fn operation(&self) -> Option<Operation> {
        match self {
            Self::Submit(_) => Some(Operation::Submit),
            Self::Status { .. } => Some(Operation::Status),
            Self::StatusStream { .. } => Some(Operation::Stream),
            Self::Result { .. } => Some(Operation::Result),
            Self::Cancel { .. } => Some(Operation::Cancel),
            Self::Run(_) | Self::Stream(_) => Some(Operation::Run),
            Self::UploadToken
            | Self::Initiate { .. }
            | Self::Put { .. }
            | Self::Upload
            | Self::OpenParts
            | Self::PutPart { .. }
            | Self::JoinParts { .. } => Some(Operation::Upload),
            Self::Download { .. } => Some(Operation::Download),
            Self::Token | Self::Prices | Self::Estimate | Self::Control => None,
        }
    }
}

/// `…/requests/{id}[/status[/stream]|/cancel]`, or an endpoint to submit to.
fn queue(method: &Method, parts: &[&str]) -> Option<Result<Call, Refusal>> {
    let Some(at) = parts.iter().rposition(|it| *it == "requests") else {
        let endpoint = Endpoint::parse(&parts.join("/"))?;
        return Some(if method == Method::POST {
            Ok(Call::Submit(endpoint))
        } else {
            Err(wrong_method())
        });
    };
    // A caller may leave the sub-path in.
    let application = Endpoint::parse(&parts[..at].join("/"))?.application;
    let (id, rest) = parts[at + 1..].split_first()?;
    let id = (*id).to_owned();
    Some(match (method, rest) {
        (&Method::GET, ["status"]) => Ok(Call::Status { application, id }),
        (&Method::GET, ["status", "stream"]) => Ok(Call::StatusStream { application, id }),
        (&Method::GET, []) => Ok(Call::Result { application, id }),
        (&Method::PUT | &Method::POST, ["cancel"]) => Ok(Call::Cancel { application, id }),
        (_, [] | ["status"] | ["status", "stream"] | ["cancel"]) => Err(wrong_method()),
        _ => return None,
    })
}

fn run(method: &Method, parts: &[&str]) -> Option<Result<Call, Refusal>> {
    let (last, before) = parts.split_last()?;
    if *last == "realtime" {
        let sentence = "Realtime connections are not played by the sandbox";
        return Some(Err(Refusal::flat(501, "", sentence)));
    }
    let is_known = |it: &[&str]| crate::model::find(&it.join("/")).is_some();
    if *last == "stream" && !is_known(parts) {
        let endpoint = Endpoint::parse(&before.join("/"))?;
        return Some(Ok(Call::Stream(endpoint)));
    }
    let endpoint = Endpoint::parse(&parts.join("/"))?;
    Some(match *method {
        Method::POST | Method::GET | Method::PUT => Ok(Call::Run(endpoint)),
        _ => Err(wrong_method()),
    })
}

fn rest(method: &Method, parts: &[&str]) -> Option<Call> {
    match (method, parts) {
        (&Method::POST, ["tokens"]) => Some(Call::Token),
        (&Method::POST, ["storage", "auth", "token"]) => Some(Call::UploadToken),
        (&Method::POST, ["storage", "upload", "initiate"]) => {
            Some(Call::Initiate { in_parts: false })
        }
        (&Method::POST, ["storage", "upload", "initiate-multipart"]) => {
            Some(Call::Initiate { in_parts: true })
        }
        _ => None,
    }
}

fn cdn(method: &Method, parts: &[&str]) -> Option<Call> {
    match (method, parts) {
        (&Method::POST, ["files", "upload"]) => Some(Call::Upload),
        (&Method::POST, ["files", "upload", "multipart"]) => Some(Call::OpenParts),
        (&Method::PUT, ["put", key]) => Some(Call::Put { key: (*key).to_owned() }),
        (&Method::PUT, ["parts", key, number]) => {
            Some(Call::PutPart { id: (*key).to_owned(), number: number.parse().ok()? })
        }
        (&Method::POST, ["parts", key, "complete"]) => {
            Some(Call::JoinParts { id: (*key).to_owned(), key: (*key).to_owned() })
        }
        _ => None,
    }
}

/// Files, and the Python client's parts, which it puts below the file's own address.
fn file(method: &Method, parts: &[&str]) -> Option<Call> {
    match (method, parts) {
        (&Method::GET | &Method::HEAD, [key]) => Some(Call::Download { key: (*key).to_owned() }),
        (&Method::PUT, [_, "multipart", id, number]) => {
            Some(Call::PutPart { id: (*id).to_owned(), number: number.parse().ok()? })
        }
        (&Method::POST, [key, "multipart", id, "complete"]) => {
            Some(Call::JoinParts { id: (*id).to_owned(), key: (*key).to_owned() })
        }
        _ => None,
    }
}

fn wrong_method() -> Refusal {
    Refusal::flat(405, "", "Method Not Allowed")
}
