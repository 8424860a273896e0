//! All processes of one mesh: started in order, watched, stopped in reverse.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::binaries::{self, Profile};
use crate::console::{Step, say, seconds};
use crate::folder::Folder;
use crate::health::Health;
use crate::ports::Ports;
use crate::process::{Change, Process, Spec};
use crate::secrets::Book;
use crate::services::{self, Facts, Provider, SERVICES};
use crate::signals;
use crate::stores::{Given, Stores};
use crate::vendor;

/// How far the ports of metrics are from those of their services.
const METRICS: u16 = 100;

/// The image, which services are told the same as: what it says to the allocator.
const IMAGE: &str = include_str!("../../../Dockerfile");

/// How long a service may take to be ready.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long the stages of a stop may take; a quarter of a minute together.
const STAGES: [Duration; 3] =
    [Duration::from_secs(3), Duration::from_secs(7), Duration::from_secs(4)];

/// How to start one.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) folder: Folder,
    pub(crate) profile: Profile,
    /// Where people and browsers go; any free port if they need not know.
    pub(crate) port: Option<u16>,
    pub(crate) given: Given,
    pub(crate) is_durable: bool,
    pub(crate) may_build_web: bool,
    /// The services that somebody else starts.
    pub(crate) without: Vec<String>,
}

/// A mesh that runs.
#[derive(Debug)]
pub(crate) struct Mesh {
    folder: Folder,
    stores: Vec<Process>,
    services: Vec<Process>,
    /// What programs that use the mesh are told.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) url: String,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) has_web: bool,
}

impl Mesh {
    /// Starts everything and waits until all of it is well.
    pub(crate) fn start(options: Options) -> Result<Self> {
        let Options { folder, profile, port, given, is_durable, may_build_web, without } = options;
        let mut secrets = Book::open(folder.path("secrets"))?;
        let mut ports = Ports::new(Book::open(folder.path("ports"))?);
        let mut facts = Facts::default();
        let front = match port {
            Some(port) => ports.front(port)?,
            None => ports.of("gateway", 80)?,
        };
        facts.ports.insert("gateway".to_owned(), front);

        let bucket = profile.built("bucket")?;
        let stores = Stores::prepare(&folder, given, &mut ports, &mut secrets, bucket, is_durable)?;
        fill(&mut facts, &stores, &folder, &mut ports, &mut secrets)?;
        facts.web_root = binaries::web(may_build_web)?;
        let password = secrets.secret("DEMO_PASSWORD")?[..16].to_owned();
        secrets.save()?;
        ports.save()?;

        let mut mesh = Self {
            stores: Vec::new(),
            services: Vec::new(),
            env: Vec::new(),
            url: facts.url("gateway"),
            email: "demo@sartiq.example".to_owned(),
            password,
            has_web: facts.web_root.is_some(),
            folder,
        };
        let step = Step::begin("starting the stores");
        for spec in stores.specs.clone() {
            mesh.stores.push(Process::start(spec)?);
        }
        ready(&mut mesh.stores, &step)?;
        stores.grant()?;
        step.done("the stores are ready");

        let step = Step::begin("starting the services");
        for spec in specs(&mesh.folder, profile, &facts, &without)? {
            mesh.services.push(Process::start(spec)?);
        }
        ready(&mut mesh.services, &step)?;
        for provider in facts.providers.iter().filter(|it| it.is_real) {
            step.now(format!("asking {} about its key", provider.vendor));
            if let Some(warning) = vendor::check(&facts, provider)? {
                step.line(&warning);
            }
        }
        step.done("the services are ready");
        mesh.tell(&facts)?;
        Ok(mesh)
    }

    /// Watches while `goes_on`, starting again what ends.
    pub(crate) fn watch(&mut self, goes_on: impl Fn() -> bool) -> Result<()> {
        while goes_on() {
            thread::sleep(Duration::from_millis(100));
            for process in self.stores.iter_mut().chain(&mut self.services) {
                match process.look()? {
                    None => {}
                    Some(Change::Restarted) => say(&format!("{} runs again", process.spec.name)),
                    Some(Change::Ended(status, pause)) => say(&format!(
                        "{} ended ({status}); starting it again in {}; log: {}",
                        process.spec.name,
                        seconds(pause),
                        process.spec.log.display()
                    )),
                }
            }
        }
        Ok(())
    }

    /// Stops the gateway, then the other services, then the stores.
    pub(crate) fn stop(mut self) {
        let step = Step::begin("stopping");
        self.end();
        step.done("stopped");
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    fn end(&mut self) {
        let mut others = std::mem::take(&mut self.services);
        let gateway: Vec<Process> = others.pop().into_iter().collect();
        let stages = [gateway, others, std::mem::take(&mut self.stores)];
        for (stage, patience) in stages.into_iter().zip(STAGES) {
            end(stage, patience);
        }
    }

    /// Writes down how to reach it, for `cargo xtask demo`.
    fn tell(&mut self, facts: &Facts) -> Result<()> {
        let mut book = Book::open(self.folder.path("mesh"))?;
        let pairs = [
            ("GATEWAY_URL", self.url.clone()),
            ("SANDBOX_URL", facts.url("sandbox")),
            ("SANDBOX_KEY", facts.sandbox_key.clone()),
            ("SCALER_URL", facts.url("scaler")),
            ("DEMO_EMAIL", self.email.clone()),
            ("DEMO_PASSWORD", self.password.clone()),
            ("DATA_DIR", self.folder.root().to_string_lossy().into_owned()),
        ];
        self.env = pairs.map(|(name, value)| (name.to_owned(), value)).into();
        self.env.extend(facts.store.iter().cloned());
        for (name, value) in &self.env {
            book.set(name, value.clone());
        }
        book.save()
    }
}

impl Drop for Mesh {
    /// A start that failed halfway is stopped as well.
    fn drop(&mut self) {
        self.end();
    }
}

/// Finds out all that the services have to be told.
fn fill(
    facts: &mut Facts,
    stores: &Stores,
    folder: &Folder,
    ports: &mut Ports,
    secrets: &mut Book,
) -> Result<()> {
    let vendors = services::vendors()?;
    let names = SERVICES.iter().map(|it| it.name.to_owned());
    let names: Vec<String> =
        names.chain(vendors.iter().map(|it| format!("provider-{it}"))).collect();
    for (name, offset) in names.iter().zip(1..) {
        if name != "gateway" {
            facts.ports.insert(name.clone(), ports.of(name, offset)?);
        }
        if name != "sandbox" {
            let metrics = services::metrics_of(name);
            let port = ports.of(&metrics, METRICS + offset)?;
            facts.ports.insert(metrics, port);
            let secret = format!("SERVICE_KEY_{}", name.to_uppercase().replace('-', "_"));
            facts.service_keys.insert(name.clone(), secrets.secret(&secret)?);
        }
    }
    let offset = u16::try_from(names.len() + 1)?;
    facts.ports.insert("scaler".to_owned(), ports.of("scaler", offset)?);
    for service in SERVICES.iter().filter(|it| it.database) {
        facts.database_urls.insert(service.name.to_owned(), stores.database_url(service.name));
    }
    facts.redis_url = stores.redis_url.clone();
    facts.store = stores.store.clone();
    facts.identity_secret = secrets.secret("IDENTITY_SECRET")?;
    facts.delivery_secret = secrets.secret("DELIVERY_SECRET")?;
    facts.sandbox_key = secrets.secret("SANDBOX_KEY")?;
    facts.sandbox_data = folder.path("sandbox").to_string_lossy().into_owned();
    std::fs::create_dir_all(folder.path("sandbox"))?;
    for vendor in vendors {
        let prefix = format!("{}_", vendor.to_uppercase().replace('-', "_"));
        let given: Vec<_> =
            std::env::vars().filter(|(name, _)| name.starts_with(&prefix)).collect();
        let has_key =
            given.iter().any(|(name, key)| *name == format!("{prefix}KEY") && !key.is_empty());
        let played = services::sandboxed(&vendor, &facts.url("sandbox"), &facts.sandbox_key);
        match (has_key, played) {
            (true, _) => facts.providers.push(Provider { vendor, env: given, is_real: true }),
            (false, Some(env)) => facts.providers.push(Provider { vendor, env, is_real: false }),
            (false, None) => {
                say(&format!("provider-{vendor} is not started: {prefix}KEY is not set"))
            }
        }
    }
    Ok(())
}

/// The services' processes; the gateway, which lets people in, is the last.
fn specs(
    folder: &Folder,
    profile: Profile,
    facts: &Facts,
    without: &[String],
) -> Result<Vec<Spec>> {
    let mut specs = Vec::new();
    let mut add = |name: &str, mut env: Vec<(String, String)>, health| -> Result<()> {
        env.extend(IMAGE.lines().filter_map(|it| {
            let (variable, value) = it.strip_prefix("ENV ")?.split_once('=')?;
            Some((variable.to_owned(), value.to_owned()))
        }));
        if without.iter().any(|it| it == name) {
            let path = folder.path(&format!("{name}.env"));
            let mut book = Book::open(path.clone())?;
            for (variable, value) in env {
                book.set(&variable, value);
            }
            book.save()?;
            say(&format!("  {name} is left to you; its environment is in {}", path.display()));
            return Ok(());
        }
        specs.push(Spec {
            name: name.to_owned(),
            program: profile.built(name)?,
            arguments: Vec::new(),
            env,
            user: None,
            log: folder.log(name),
            pid: Some(folder.pid(name)),
            port: facts.ports.get(name).copied().unwrap_or_default(),
            health,
            stop: "TERM",
        });
        Ok(())
    };
    for provider in &facts.providers {
        let env = facts.provider_env(provider);
        add(&provider.name(), env, Health::Grpc)?;
    }
    for service in &SERVICES {
        add(service.name, facts.env(service), service.health)?;
    }
    Ok(specs)
}

/// Waits until all are well, with a line for each.
fn ready(processes: &mut [Process], step: &Step) -> Result<()> {
    let begun = Instant::now();
    let mut waiting: Vec<usize> = (0..processes.len()).collect();
    let mut n_ends = vec![0; processes.len()];
    while !waiting.is_empty() {
        signals::pause(Duration::from_millis(50))?;
        let names: Vec<&str> = waiting.iter().map(|it| processes[*it].spec.name.as_str()).collect();
        step.now(format!("waiting for {}", names.join(", ")));
        if PATIENCE < begun.elapsed() {
            let process = &processes[waiting[0]];
            return Err(anyhow::anyhow!("{}", process.last_words()))
                .context(format!("see {}", process.spec.log.display()))
                .context(format!(
                    "{} is not ready after {} s",
                    names.join(", "),
                    PATIENCE.as_secs()
                ));
        }
        for idx in std::mem::take(&mut waiting) {
            let process = &mut processes[idx];
            if let Some(Change::Ended(status, _)) = process.look()? {
                n_ends[idx] += 1;
                // 2 is how a program says that its settings are wrong; trying again is no use.
                if n_ends[idx] == 3 || status.code() == Some(2) {
                    let Spec { name, log, .. } = &process.spec;
                    let words = process.last_words();
                    return Err(anyhow::anyhow!("{words}"))
                        .context(format!("see {}", log.display()))
                        .context(format!("{name} does not start"));
                }
            }
            if process.is_well() {
                let Spec { name, port, .. } = &process.spec;
                step.line(&format!(
                    "  {name:<14} 127.0.0.1:{port:<6} ready after {}",
                    seconds(begun.elapsed())
                ));
            } else {
                waiting.push(idx);
            }
        }
    }
    Ok(())
}

/// Asks all to stop, in reverse, and ends what has not stopped in time.
fn end(mut processes: Vec<Process>, patience: Duration) {
    for process in processes.iter().rev() {
        process.ask_to_stop();
    }
    let limit = Instant::now() + patience;
    let mut is_done = false;
    while !is_done && Instant::now() < limit && !signals::hurry() {
        is_done = processes.iter_mut().all(Process::has_ended);
        thread::sleep(Duration::from_millis(20));
    }
    for process in &mut processes {
        if !process.has_ended() {
            say(&format!("{} did not stop in time", process.spec.name));
        }
        process.kill();
    }
}

/// Where a log is, for messages.
pub(crate) fn logs(folder: &Folder) -> PathBuf {
    folder.path("logs")
}
