//! What the contract says about a method: whether it streams, whether it may be tried again.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost_types::FileDescriptorSet;
use prost_types::method_options::IdempotencyLevel;

/// One method of the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    /// Doing it twice is as good as doing it once.
    pub(crate) is_idempotent: bool,
    pub(crate) takes_stream: bool,
    pub(crate) answers_stream: bool,
}

impl Method {
    /// What nothing is known of is treated with all care.
    const UNKNOWN: Self = Self { is_idempotent: false, takes_stream: true, answers_stream: true };

    pub(crate) fn is_unary(self) -> bool {
        !self.takes_stream && !self.answers_stream
    }
}

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let files = FileDescriptorSet::decode(api::FILE_DESCRIPTOR_SET).expect("valid descriptors");
    files.file.iter().flat_map(methods).collect()
});

/// Returns what the contract says about the method at `path`.
pub(crate) fn of(path: &str) -> Method {
    METHODS.get(path).copied().unwrap_or(Method::UNKNOWN)
}

/// Returns the name of the method at `path`, as telemetry knows it. What the contract does not know
/// shares one name, so that strangers cannot make up any number of them.
pub(crate) fn name(path: &str) -> &'static str {
    METHODS.get_key_value(path).map_or("_OTHER", |(path, _)| path.trim_start_matches('/'))
}

/// Tells whether `path` is a method of the contract at all.
pub(crate) fn exists(path: &str) -> bool {
    METHODS.contains_key(path)
}

/// Returns the paths of all methods of the contract.
#[cfg(test)]
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    // Contracts of others, such as KEDA's, are answered at listeners of their own.
    METHODS.keys().map(String::as_str).filter(|it| it.starts_with("/sartiq."))
}

fn methods(file: &prost_types::FileDescriptorProto) -> Vec<(String, Method)> {
    let mut methods = Vec::new();
    for service in &file.service {
        for method in &service.method {
            let level = method.options.as_ref().map(|it| it.idempotency_level());
            let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
            let method = Method {
                is_idempotent: matches!(
                    level,
                    Some(IdempotencyLevel::NoSideEffects | IdempotencyLevel::Idempotent)
                ),
                takes_stream: method.client_streaming(),
                answers_stream: method.server_streaming(),
            };
            methods.push((path, method));
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_decides_what_may_be_tried_again() {
        assert!(of("/sartiq.identity.v1.AuthService/ListSigningKeys").is_idempotent);
        assert!(of("/sartiq.identity.v1.AuthService/ListSigningKeys").is_unary());
        assert!(!of("/sartiq.identity.v1.AuthService/Login").is_idempotent);
        assert!(!of("/sartiq.identity.v1.AuthService/Nothing").is_idempotent);
        assert!(!exists("/sartiq.identity.v1.AuthService/Nothing"));
        assert_eq!(name("/sartiq.identity.v1.AuthService/Nothing"), "_OTHER");
        let login = "sartiq.identity.v1.AuthService/Login";
        assert_eq!(name(&format!("/{login}")), login);
    }
}
