//! What a request is meant for: one port stands for all of a vendor's hosts.

use url::Url;

/// The part of the vendor that a request is meant for, with the path and query as they would have
/// reached that host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) part: Part,
    /// Without slashes at its ends.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
}

/// The vendor's hosts, and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Queue,
    Run,
    Rest,
    Cdn,
    /// `api.fal.ai`: prices.
    Api,
    Files,
    Control,
    Unknown,
}

impl Address {
    /// Reads the address of a request.
    pub(crate) fn of(host: &str, target: Option<&str>, path_and_query: &str) -> Self {
        if let Some(target) = target.and_then(|it| Url::parse(it).ok()) {
            let query = pairs(target.query().unwrap_or_default());
            if let Some(part) = target.host_str().and_then(part_of_host) {
                return Self { part, path: trimmed(target.path()), query };
            }
            return Self::local(target.path(), query);
        }
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let query = pairs(query);
        let host = host.split(':').next().unwrap_or_default();
        // Our own paths keep their meaning whatever the host is called.
        let local = Self::local(path, query.clone());
        match part_of_host(host) {
            Some(part) if !matches!(local.part, Part::Files | Part::Control) => {
                Self { part, path: trimmed(path), query }
            }
            _ => local,
        }
    }

    fn local(path: &str, query: Vec<(String, String)>) -> Self {
        let path = trimmed(path);
        let (first, rest) = path.split_once('/').unwrap_or((&path, ""));
        let (part, path) = match first {
            "queue" => (Part::Queue, rest.to_owned()),
            "run" => (Part::Run, rest.to_owned()),
            "rest" => (Part::Rest, rest.to_owned()),
            "cdn" => (Part::Cdn, rest.to_owned()),
            "files" => (Part::Files, rest.to_owned()),
            "control" => (Part::Control, rest.to_owned()),
            "v1" => (Part::Api, path.clone()),
            _ => (Part::Unknown, path.clone()),
        };
        Self { part, path: trimmed(&path), query }
    }

    /// The first value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// `fal.run` and `queue.fal.run`, their spare domains, and any host named alike in a test network.
fn part_of_host(host: &str) -> Option<Part> {
    match host {
        "fal.run" | "falrun.com" => Some(Part::Run),
        "v3.fal.media" => Some(Part::Cdn),
        "api.fal.ai" => Some(Part::Api),
        _ if host.starts_with("queue.") => Some(Part::Queue),
        _ if host.starts_with("rest.") => Some(Part::Rest),
        _ => None,
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn trimmed(path: &str) -> String {
    path.trim_matches('/').to_owned()
}

/// An endpoint's id, and the application that its requests are filed under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// `fal-ai/flux-2-pro/edit`.
    pub(crate) id: String,
    /// `fal-ai/flux-2-pro`: status, result and cancel know no more than this.
    pub(crate) application: String,
}

impl Endpoint {
    /// Reads an endpoint from a path; `None` where there are not at least owner and name.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let legacy;
        // `12345-name`, as ids were once written.
        if let [first, rest @ ..] = parts.as_slice()
            && let Some((number, name)) = first.split_once('-')
            && !number.is_empty()
            && number.bytes().all(|it| it.is_ascii_digit())
        {
            legacy = [&[number, name], rest].concat();
            parts = legacy;
        }
        let n_application = match parts.first() {
            Some(&"workflows" | &"comfy") => 3,
            _ => 2,
        };
        if parts.len() < n_application {
            return None;
        }
        Some(Self { id: parts.join("/"), application: parts[..n_application].join("/") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_addressing_means_the_same() {
        let expected = Address {
            part: Part::Queue,
            path: "fal-ai/flux/dev".into(),
            query: vec![("fal_webhook".into(), "http://h/x?y=1".into())],
        };
        let query = "?fal_webhook=http%3A%2F%2Fh%2Fx%3Fy%3D1";
        let target = format!("https://queue.fal.run/fal-ai/flux/dev{query}");
        assert_eq!(Address::of("127.0.0.1:9", Some(&target), "/"), expected);
        let path = format!("/fal-ai/flux/dev{query}");
        assert_eq!(Address::of("queue.fal.run", None, &path), expected);
        assert_eq!(Address::of("queue.localhost:81", None, &path), expected);
        let path = format!("/queue/fal-ai/flux/dev{query}");
        assert_eq!(Address::of("127.0.0.1:9", None, &path), expected);
    }

    #[test]
    fn a_target_may_name_the_sandbox_itself() {
        let address = Address::of("localhost", Some("http://127.0.0.1:9/run/a/b"), "/anything");
        assert_eq!((address.part, address.path.as_str()), (Part::Run, "a/b"));
    }

    #[test]
    fn files_and_control_are_ours_under_any_host() {
        assert_eq!(Address::of("fal.run", None, "/control/faults").part, Part::Control);
        assert_eq!(Address::of("queue.fal.run", None, "/files/x.png").part, Part::Files);
        assert_eq!(Address::of("fal.run", None, "/fal-ai/flux/dev").part, Part::Run);
        assert_eq!(Address::of("localhost", None, "/favicon.ico").part, Part::Unknown);
    }

    #[test]
    fn endpoints_know_their_application() {
        let parse = |it| Endpoint::parse(it).map(|it| (it.id, it.application));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(parse("fal-ai/flux/dev"), pair("fal-ai/flux/dev", "fal-ai/flux"));
        assert_eq!(parse("workflows/a/b/c"), pair("workflows/a/b/c", "workflows/a/b"));
        assert_eq!(parse("110602490-lora"), pair("110602490/lora", "110602490/lora"));
        assert_eq!(parse("flux"), None);
    }
}
