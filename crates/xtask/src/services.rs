//! What each service needs to run: the one table that `up` obeys and that manifests and tests can
//! be compared with (`cargo xtask services`).

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::binaries::Profile;
use crate::console::say;
use crate::health::Health;
use crate::workspace;

/// One service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// Its folder, its binary, its database role and its schema.
    pub(crate) name: &'static str,
    pub(crate) database: bool,
    pub(crate) redis: bool,
    /// Whether it holds the object store's key.
    pub(crate) store: bool,
    /// The services it calls, by `<NAME>_URL`.
    pub(crate) calls: &'static [&'static str],
    pub(crate) health: Health,
}

const PLAIN: Service = Service {
    name: "",
    database: false,
    redis: false,
    store: false,
    calls: &[],
    health: Health::Grpc,
};

/// A service with tables and events.
const STATEFUL: Service = Service { database: true, redis: true, ..PLAIN };

/// All of them but the providers, in the order in which they start.
pub(crate) const SERVICES: [Service; 9] = [
    Service { name: "sandbox", health: Health::Http("/"), ..PLAIN },
    Service { name: "identity", ..STATEFUL },
    Service { name: "media", store: true, ..STATEFUL },
    Service { name: "catalog", calls: &["media"], ..STATEFUL },
    Service { name: "compute", ..STATEFUL },
    Service { name: "shooting", calls: &["catalog", "generation"], ..STATEFUL },
    Service { name: "generation", calls: &["media", "catalog", "shooting", "compute"], ..STATEFUL },
    Service { name: "delivery", calls: &["media", "shooting", "generation"], ..STATEFUL },
    Service {
        name: "gateway",
        redis: true,
        calls: &["media", "catalog", "shooting", "generation", "delivery", "compute"],
        ..PLAIN
    },
];

/// One adapter: any folder `services/provider-<vendor>`.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    pub(crate) vendor: String,
    /// Its key and addresses: the vendor's if we were given a key, else the sandbox's.
    pub(crate) env: Vec<(String, String)>,
    /// Whether it talks to the vendor, for money.
    pub(crate) is_real: bool,
}

impl Provider {
    pub(crate) fn name(&self) -> String {
        format!("provider-{}", self.vendor)
    }
}

/// What is known when services start: where everything is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) ports: BTreeMap<String, u16>,
    pub(crate) service_keys: BTreeMap<String, String>,
    pub(crate) database_urls: BTreeMap<String, String>,
    pub(crate) redis_url: String,
    /// `S3_…` as `media` reads them.
    pub(crate) store: Vec<(String, String)>,
    pub(crate) identity_secret: String,
    pub(crate) delivery_secret: String,
    pub(crate) sandbox_key: String,
    pub(crate) sandbox_data: String,
    pub(crate) web_root: Option<String>,
    pub(crate) providers: Vec<Provider>,
}

impl Facts {
    pub(crate) fn url(&self, name: &str) -> String {
        let port = self.ports.get(name).copied().unwrap_or_default();
        format!("http://127.0.0.1:{port}")
    }

    /// The whole environment of a service.
    pub(crate) fn env(&self, service: &Service) -> Vec<(String, String)> {
        let name = service.name;
        let mut env = Env(vec![("LISTEN_ADDR".to_owned(), self.address(name))]);
        if name == "sandbox" {
            env.set("SANDBOX_KEYS", &self.sandbox_key);
            env.set("SANDBOX_DATA", &self.sandbox_data);
            return env.0;
        }
        self.member(&mut env, name);
        if service.database {
            env.set("DATABASE_URL", self.database_urls.get(name).map_or("", String::as_str));
        }
        if service.redis {
            env.set("REDIS_URL", &self.redis_url);
        }
        if service.store {
            env.0.extend(self.store.iter().cloned());
        }
        for callee in service.calls {
            env.set(&format!("{}_URL", callee.to_uppercase()), &self.url(callee));
        }
        match name {
            "identity" => {
                let keys: Vec<_> =
                    self.service_keys.iter().map(|(name, key)| format!("{name}={key}")).collect();
                env.set("SERVICE_KEYS", &keys.join(","));
                env.set("KEY_SECRET", &self.identity_secret);
            }
            "compute" => {
                let providers: Vec<_> = self
                    .providers
                    .iter()
                    .map(|it| format!("{}={}", it.vendor, self.url(&it.name())))
                    .collect();
                env.set("PROVIDERS", &providers.join(","));
                env.set("SCALER_LISTEN_ADDR", &self.address("scaler"));
            }
            "delivery" => {
                env.set("KEY_SECRET", &self.delivery_secret);
                let store = |name: &str| self.store.iter().find(|it| it.0 == name);
                let public = store("S3_PUBLIC_URL").or(store("S3_ENDPOINT_URL"));
                env.set("STORE_URLS", public.map_or("", |it| &it.1));
                env.set("ALLOW_PRIVATE_TARGETS", "true");
            }
            "gateway" => {
                env.set("ALLOWED_ORIGINS", "http://localhost:5173,http://127.0.0.1:5173");
                if let Some(web_root) = &self.web_root {
                    env.set("WEB_ROOT", web_root);
                }
            }
            _ => {}
        }
        env.0
    }

    /// The whole environment of an adapter.
    pub(crate) fn provider_env(&self, provider: &Provider) -> Vec<(String, String)> {
        let name = provider.name();
        let mut env = Env(vec![("LISTEN_ADDR".to_owned(), self.address(&name))]);
        self.member(&mut env, &name);
        env.set("MEDIA_URL", &self.url("media"));
        env.0.extend(provider.env.iter().cloned());
        env.0
    }

    fn member(&self, env: &mut Env, name: &str) {
        env.set("IDENTITY_URL", &self.url("identity"));
        env.set("SERVICE_KEY", self.service_keys.get(name).map_or("", String::as_str));
        env.set("METRICS_ADDR", &self.address(&metrics_of(name)));
        // All of them together must have stopped within a quarter of a minute.
        env.set("DRAIN_TIMEOUT", "5s");
    }

    fn address(&self, name: &str) -> String {
        format!("127.0.0.1:{}", self.ports.get(name).copied().unwrap_or_default())
    }
}

/// The name under which the port is known where a service shows its metrics.
pub(crate) fn metrics_of(name: &str) -> String {
    format!("{name}-metrics")
}

struct Env(Vec<(String, String)>);

impl Env {
    fn set(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }
}

/// The vendors that have a folder.
pub(crate) fn vendors() -> Result<Vec<String>> {
    let mut vendors = Vec::new();
    for folder in fs::read_dir(workspace::root().join("services"))? {
        let name = folder?.file_name();
        if let Some(vendor) = name.to_str().and_then(|it| it.strip_prefix("provider-")) {
            vendors.push(vendor.to_owned());
        }
    }
    vendors.sort();
    Ok(vendors)
}

/// The variables by which an adapter finds the sandbox, if the sandbox plays its vendor.
pub(crate) fn sandboxed(
    vendor: &str,
    sandbox_url: &str,
    key: &str,
) -> Option<Vec<(String, String)>> {
    let env = match vendor {
        "fal" => vec![
            ("FAL_KEY", key.to_owned()),
            ("FAL_QUEUE_URL", format!("{sandbox_url}/queue")),
            ("FAL_RUN_URL", format!("{sandbox_url}/run")),
            ("FAL_REST_URL", format!("{sandbox_url}/rest")),
        ],
        _ => return None,
    };
    Some(env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Prints service and variable, tab between, for whoever compares.
pub(crate) fn print() -> Result<()> {
    for (service, variable) in variables()? {
        say(&format!("{service}\t{variable}"));
    }
    Ok(())
}

/// The variables of the table that their service's `--help` does not know.
pub(crate) fn unknown(profile: Profile) -> Result<Vec<String>> {
    let mut helps = BTreeMap::new();
    let mut unknown = Vec::new();
    for (service, variable) in variables()? {
        if !helps.contains_key(&service) {
            let help = workspace::read(Command::new(profile.built(&service)?).arg("--help"))?;
            helps.insert(service.clone(), help);
        }
        let is_known = helps.get(&service).is_some_and(|help| {
            [']', '='].iter().any(|end| help.contains(&format!("[env: {variable}{end}")))
        });
        if !is_known {
            unknown.push(format!("{service} does not know {variable}"));
        }
    }
    Ok(unknown)
}

/// Every service with every variable that it is given.
fn variables() -> Result<Vec<(String, String)>> {
    let mut variables = Vec::new();
    let store = ["S3_ENDPOINT_URL", "S3_PUBLIC_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET"];
    let facts = Facts {
        store: store.map(|it| (it.to_owned(), String::new())).into(),
        web_root: Some(String::new()),
        ..Facts::default()
    };
    for service in &SERVICES {
        for (variable, _) in facts.env(service) {
            variables.push((service.name.to_owned(), variable));
        }
    }
    for vendor in vendors()? {
        let env = sandboxed(&vendor, "", "").unwrap_or_default();
        let provider = Provider { vendor, env, is_real: false };
        for (variable, _) in facts.provider_env(&provider) {
            variables.push((provider.name(), variable));
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_callee_is_a_service() {
        for service in SERVICES {
            for callee in service.calls {
                assert!(SERVICES.iter().any(|it| it.name == *callee), "{callee}");
            }
        }
    }

    #[test]
    fn every_folder_is_in_the_table() -> Result<()> {
        for folder in fs::read_dir(workspace::root().join("services"))? {
            let name = folder?.file_name();
            let name = name.to_string_lossy();
            let is_known = SERVICES.iter().any(|it| it.name == name);
            assert!(is_known || name.starts_with("provider-"), "{name}");
        }
        Ok(())
    }
}
