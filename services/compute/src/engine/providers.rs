//! Providers: who they are, what they can do, what they charge, in which order they are tried.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::sartiq::compute::v1::ProviderStatus;
use api::sartiq::provider::v1 as pb;
use api::sartiq::provider::v1::provider_service_client::ProviderServiceClient;
use prost::Message;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use types::Money;

use crate::ProviderList;
use crate::price::{self, Price, Size};
use crate::route::{Capability, LaneName, Routes};
use crate::store;

/// How often providers are asked what they can do.
const REFRESH: Duration = Duration::from_secs(30);

/// How soon one is asked again that did not answer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The client of an adapter.
pub(crate) type Client = ProviderServiceClient<server::Channel>;

/// All providers that this process was configured with.
#[derive(Clone, Debug)]
pub(crate) struct Providers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// In the order of the configuration.
    list: Vec<Provider>,
    chosen: Mutex<Vec<(Capability, crate::route::Leg)>>,
    routes: watch::Sender<Arc<Routes>>,
}

/// One provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: Arc<str>,
    client: Client,
    standing: Mutex<Standing>,
}

/// What a provider said last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) is_reachable: bool,
    pub(crate) description: Option<pb::DescribeResponse>,
    pub(crate) models: Vec<pb::Model>,
}

impl Provider {
    /// Returns a client of its adapter.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Returns what it said last.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.lock().expect("no holder panics").clone()
    }

    async fn ask(&self) -> Result<(pb::DescribeResponse, Vec<pb::Model>), Status> {
        let mut client = self.client();
        let description = client.describe(Request::new(pb::DescribeRequest {})).await?;
        let request = pb::ListModelsRequest { capability: 0 };
        let models = client.list_models(Request::new(request)).await?;
        Ok((description.into_inner(), models.into_inner().models))
    }
}

impl Providers {
    /// Returns the providers that `channels` lead to; what they can do is not known yet.
    pub(crate) fn new(channels: Vec<(String, server::Channel)>) -> Self {
        let list = channels.into_iter().map(|(name, channel)| Provider {
            name: name.into(),
            client: Client::new(channel),
            standing: Mutex::default(),
        });
        let routes = watch::Sender::new(Arc::default());
        Self(Arc::new(Inner { list: list.collect(), chosen: Mutex::default(), routes }))
    }

    /// Returns all of them, in the order of the configuration.
    pub(crate) fn list(&self) -> &[Provider] {
        &self.0.list
    }

    /// Returns one by its name.
    pub(crate) fn named(&self, name: &str) -> Option<&Provider> {
        self.0.list.iter().find(|it| &*it.name == name)
    }

    /// Returns the routes, as they are and become.
    pub(crate) fn routes(&self) -> watch::Receiver<Arc<Routes>> {
        self.0.routes.subscribe()
    }

    /// Returns what a run on `lane` costs, by its price list.
    pub(crate) fn price(&self, lane: &LaneName) -> Option<Price> {
        let provider = self.named(&lane.provider)?;
        let standing = provider.standing.lock().expect("no holder panics");
        price_of(standing.models.iter().find(|it| *it.id == *lane.model)?)
    }

    /// Asks the providers what they can do, again and again, until told to stop.
    pub(crate) async fn keep(self, db: PgPool, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = self.recall(&db) => (),
        }
        let all = futures::future::join_all(self.0.list.iter().map(|it| self.follow(it, &db)));
        tokio::select! {
            () = shutdown.cancelled() => (),
            _ = all => (),
            () = self.follow_chosen(&db) => (),
        }
    }

    /// Learns what providers said before: none of their adapters need be running now.
    async fn recall(&self, db: &PgPool) {
        let mut pause = FIRST_PAUSE;
        let rows = loop {
            match store::provider::list(db).await {
                Ok(rows) => break rows,
                Err(error) => tracing::warn!(%error, "providers cannot be read"),
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(REFRESH);
        };
        for (name, status) in rows {
            let Some(provider) = self.named(&name) else { continue };
            let Ok(status) = ProviderStatus::decode(status.as_slice()) else {
                // It introduces itself again.
                tracing::warn!(provider = name, "what is known of the provider cannot be read");
                continue;
            };
            let mut standing = provider.standing.lock().expect("no holder panics");
            standing.description = status.description;
            standing.models = status.models;
        }
        self.route();
    }

    async fn follow(&self, provider: &Provider, db: &PgPool) {
        let mut pause = FIRST_PAUSE;
        let mut kept = None;
        loop {
            let answer = provider.ask().await;
            let next = match answer {
                Ok((description, models)) => {
                    pause = FIRST_PAUSE;
                    let status = ProviderStatus {
                        name: provider.name.to_string(),
                        // Whether it answers is not worth remembering.
                        reachable: false,
                        description: Some(description.clone()),
                        models: models.clone(),
                    };
                    let standing =
                        Standing { is_reachable: true, description: Some(description), models };
                    *provider.standing.lock().expect("no holder panics") = standing;
                    self.route();
                    if kept.as_ref() != Some(&status) {
                        match store::provider::keep(db, &provider.name, &status.encode_to_vec())
                            .await
                        {
                            Ok(()) => kept = Some(status),
                            Err(error) => tracing::warn!(%error, "a provider cannot be kept"),
                        }
                    }
                    REFRESH
                }
                Err(status) => {
                    let was_reachable = std::mem::replace(
                        &mut provider.standing.lock().expect("no holder panics").is_reachable,
                        false,
                    );
                    if was_reachable {
                        tracing::warn!(provider = %provider.name, %status, "provider is away");
                    }
                    pause = (2 * pause).min(REFRESH);
                    pause
                }
            };
            tokio::time::sleep(next).await;
        }
    }

    async fn follow_chosen(&self, db: &PgPool) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.reload_chosen(db).await {
                Ok(()) => tokio::time::sleep(REFRESH).await,
                Err(error) => {
                    tracing::warn!(%error, "routes cannot be read");
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(REFRESH);
                }
            }
        }
    }

    /// Reads the lanes that were chosen instead of what is recommended.
    pub(crate) async fn reload_chosen(&self, db: &PgPool) -> Result<(), sqlx::Error> {
        *self.0.chosen.lock().expect("no holder panics") = store::route::list(db).await?;
        self.route();
        Ok(())
    }

    fn route(&self) {
        let mut recommended = Vec::new();
        for provider in &self.0.list {
            for model in provider.standing().models {
                let capability = Capability(i16::try_from(model.capability).unwrap_or_default());
                recommended.push((capability, LaneName::new(&provider.name, &model.id)));
            }
        }
        let chosen = self.0.chosen.lock().expect("no holder panics").clone();
        let routes = Routes::new(recommended, chosen);
        self.0.routes.send_if_modified(|it| {
            let is_new = **it != routes;
            if is_new {
                *it = Arc::new(routes);
            }
            is_new
        });
    }
}

/// Returns what a model charges, if it says so.
pub(crate) fn price_of(model: &pb::Model) -> Option<Price> {
    let price = model.price.as_ref()?;
    let amount = price.amount.as_ref()?;
    let unit = match price.unit() {
        pb::price::Unit::Unspecified => return None,
        pb::price::Unit::Output => price::Unit::Output,
        pb::price::Unit::Megapixel => price::Unit::Megapixel,
        pb::price::Unit::Second => price::Unit::Second,
    };
    Some(Price { unit, amount: Money::new(amount.micros, amount.currency.clone()) })
}

/// Returns how much a run asks for.
pub(crate) fn size_of(input: &pb::RunInput) -> Size {
    let shape = input.output.as_ref();
    let film = input.image_to_video.as_ref().and_then(|it| it.duration);
    Size {
        outputs: shape.map_or(1, |it| it.count.max(1)),
        width_px: shape.map_or(0, |it| it.width_px),
        height_px: shape.map_or(0, |it| it.height_px),
        seconds: film.map_or(0, |it| u32::try_from(it.seconds).unwrap_or_default()),
    }
}

/// Returns what a model has to be able to do for a run.
pub(crate) fn capability_of(input: &pb::RunInput) -> Capability {
    let capability = match input {
        pb::RunInput { text_to_image: Some(_), .. } => pb::Capability::TextToImage,
        pb::RunInput { edit_image: Some(_), .. } => pb::Capability::EditImage,
        pb::RunInput { try_on: Some(_), .. } => pb::Capability::TryOn,
        pb::RunInput { image_to_video: Some(_), .. } => pb::Capability::ImageToVideo,
        pb::RunInput { upscale: Some(_), .. } => pb::Capability::Upscale,
        pb::RunInput { remove_background: Some(_), .. } => pb::Capability::RemoveBackground,
        _ => pb::Capability::Unspecified,
    };
    Capability(capability as i16)
}

/// Maps the names of providers to where they answer, as `fal=http://…,acme=http://…` says it.
pub(crate) fn parse(text: &str) -> Result<ProviderList, String> {
    let mut names = HashSet::new();
    let mut list = Vec::new();
    for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let (name, url) =
            part.split_once('=').ok_or_else(|| format!("`{part}` is not `name=url`"))?;
        if !names.insert(name) {
            return Err(format!("`{name}` is named twice"));
        }
        list.push((name.to_owned(), url.to_owned()));
    }
    Ok(ProviderList(list))
}
