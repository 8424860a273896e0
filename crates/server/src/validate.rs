//! What handlers begin with: a message that follows its rules and a caller who is proven.

mod sentence;

use std::collections::HashMap;

use prost_protovalidate::Validate;
use tonic::{Request, Status};

use crate::Caller;
use crate::fault::{Code, Fault, refusal, status};

/// Opens `request`: who sent it and what it says, which follows the rules of the contract.
pub fn open<M: Validate>(request: Request<M>) -> Result<(Caller, M), Status> {
    let (_, mut extensions, message) = request.into_parts();
    // The stack puts the caller there; without one the call never passed the table.
    let caller = extensions
        .remove::<Caller>()
        .ok_or_else(|| refusal(Code::Unauthenticated, "TOKEN_MISSING", "no token"))?;
    check(&message)?;
    Ok((caller, message))
}

/// Opens `request` of anybody: what it says, which follows the rules of the contract.
pub fn open_public<M: Validate>(request: Request<M>) -> Result<M, Status> {
    let message = request.into_inner();
    check(&message)?;
    Ok(message)
}

/// Checks that `message` follows the rules of the contract; streams use it message by message.
pub fn check(message: &impl Validate) -> Result<(), Status> {
    message.validate().map_err(|error| {
        let fields = error.violations().iter().map(|violation| {
            let sentence = sentence::of(violation.rule_id(), violation.message());
            (violation.field_path(), sentence)
        });
        status(&Invalid { fields: fields.collect() })
    })
}

/// Fields that break the rules of the contract.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.summary())]
struct Invalid {
    fields: Vec<(String, String)>,
}

impl Invalid {
    fn summary(&self) -> String {
        let fields = self.fields.iter().map(|(path, sentence)| format!("`{path}` {sentence}"));
        fields.collect::<Vec<_>>().join(", ")
    }
}

impl Fault for Invalid {
    fn code(&self) -> Code {
        Code::InvalidArgument
    }

    fn reason(&self) -> &'static str {
        "FIELD_INVALID"
    }

    fn metadata(&self) -> HashMap<String, String> {
        // Programs that show one error beside one field need not parse the list.
        let first = self.fields.first().map(|(path, _)| ("field".to_owned(), path.clone()));
        first.into_iter().collect()
    }

    fn fields(&self) -> Vec<(String, String)> {
        self.fields.clone()
    }
}
