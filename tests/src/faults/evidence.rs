//! Gathering, from outside, what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::sartiq::compute::v1::GetWorkflowResultRequest;
use api::sartiq::compute::v1::workflow_service_client::WorkflowServiceClient;
use api::sartiq::media::v1::media_service_client::MediaServiceClient;
use api::sartiq::media::v1::{ListMediaRequest, media as pb};
use serde_json::Value;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::flow::{Client, call, ending, generations};
use super::listing::list;
use super::record::{Attempt, Ending, Entry, Evidence, Record};
use super::subscriber::Subscriber;
use crate::{House, Result, Store, until};

/// The services that publish events.
const SOURCES: [&str; 6] = ["catalog", "compute", "delivery", "generation", "media", "shooting"];

/// How long a subscriber may take to be told of all that happened.
const CATCH_UP: Duration = Duration::from_secs(30);

/// How long generations that nobody followed may take to end.
const LAST: Duration = Duration::from_secs(60);

/// When all grace is over.
const LATER: time::Duration = time::Duration::days(8);

/// The position of the last event of each source.
pub(super) async fn heads(db: &PgPool) -> Result<BTreeMap<String, i64>> {
    let mut heads = BTreeMap::new();
    for source in SOURCES {
        let statement = format!("select position from {source}.position where source = $1");
        let position = sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(source);
        heads.insert(source.to_owned(), position.fetch_optional(db).await?.unwrap_or_default());
    }
    Ok(heads)
}

/// Asks everybody.
pub(super) async fn gather(
    house: &House,
    client: &Client,
    records: Vec<Record>,
    subscriber: Subscriber,
    before: BTreeMap<String, i64>,
) -> Result<Evidence> {
    let begin = Instant::now();
    let mut evidence = Evidence { records, ..Evidence::default() };
    evidence.listed = generations(client).await?;
    // Those that no client was told of, nobody has followed to their end.
    for id in evidence.unanswered() {
        while let Some((_, ending)) = find(client, id).await?
            && !ending.is_final()
            && begin.elapsed() < LAST
        {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    // What follows the last end, such as a shot's state.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let begin = Instant::now();
    let after = heads(&house.db).await?;
    while after.iter().any(|(source, head)| {
        subscriber.at(source).unwrap_or(before[source]) < *head && begin.elapsed() < CATCH_UP
    }) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let journal = subscriber.stop().await?;
    evidence.heads =
        after.into_iter().map(|(it, head)| (it.clone(), (before[&it], head))).collect();
    evidence.told = journal.told;
    evidence.told.retain(|it| it.position <= evidence.heads[&it.source].1);
    (evidence.connections, evidence.refused) = (journal.connections, journal.refused);

    let told = evidence.records.iter().flat_map(|it| it.ids.clone());
    let ids: BTreeSet<String> = told.chain(evidence.listed.iter().cloned()).collect();
    for id in ids {
        let found = find(client, &id).await?;
        if let Some((workflow, _)) = &found
            && !workflow.is_empty()
        {
            evidence.attempts.extend(attempts(client, &id, workflow).await?);
        }
        evidence.lasts.insert(id, found.map(|it| it.1));
    }
    evidence.ledger = house.vendor.ledger().await?.iter().map(entry).collect();
    (evidence.media, evidence.uploads) = media(client).await?;
    evidence.takeovers =
        sqlx::query_scalar("select epoch from compute.owner").fetch_one(&house.db).await?;
    let store = house.keys();
    evidence.objects = list(&store).await?;
    sweep(house, &store).await?;
    evidence.kept = list(&store).await?;
    Ok(evidence)
}

/// How a generation stands, and its workflow. None if it is not to be found.
async fn find(client: &Client, id: &str) -> Result<Option<(String, Ending)>> {
    until(20, async || match ending(client, id).await {
        Ok(found) => Ok(Some(Some(found))),
        Err(status) if status.code() == tonic::Code::NotFound => Ok(Some(None)),
        Err(status) => Err(status.into()),
    })
    .await
}

/// The tries of all tasks of a generation.
async fn attempts(client: &Client, generation: &str, workflow: &str) -> Result<Vec<Attempt>> {
    let answer = until(20, async || {
        let mut workflows = WorkflowServiceClient::new(client.actor().signed);
        let request = GetWorkflowResultRequest { id: workflow.to_owned(), nodes: Vec::new() };
        Ok(Some(call(workflows.get_workflow_result(request)).await?.into_inner()))
    });
    let mut attempts = Vec::new();
    for task in answer.await?.tasks {
        attempts.extend(task.attempts.into_iter().map(|it| Attempt {
            task_id: task.id.clone(),
            node: task.node.clone(),
            generation_id: generation.to_owned(),
            number: it.number,
            model: it.model.clone(),
            phase: it.phase().as_str_name().trim_start_matches("PHASE_").to_owned(),
            vendor_job_id: it.vendor_job_id,
        }));
    }
    Ok(attempts)
}

fn entry(entry: &Value) -> Entry {
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    Entry {
        kind: text("kind"),
        request_id: text("request_id"),
        reference: text("client_reference"),
        charge: entry["charge_micro_usd"].as_i64().unwrap_or_default(),
        note: text("note"),
    }
}

/// All media, and those that were uploaded.
async fn media(client: &Client) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let (mut all, mut uploads) = (BTreeSet::new(), BTreeSet::new());
    let mut page_token = String::new();
    loop {
        let page = until(20, async || {
            let mut library = MediaServiceClient::new(client.actor().signed);
            let page_token = page_token.clone();
            let request = ListMediaRequest { page_size: 100, page_token, ..Default::default() };
            Ok(Some(call(library.list_media(request)).await?.into_inner()))
        });
        let page = page.await?;
        for media in page.media {
            if media.origin() == pb::Origin::Upload {
                uploads.insert(media.id.clone());
            }
            all.insert(media.id);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok((all, uploads));
        }
    }
}

/// Sweeps as media does, once all grace is over.
async fn sweep(house: &House, store: &Store) -> Result {
    let objects = media::ObjectsConfig {
        s3_endpoint_url: store.endpoint.clone(),
        s3_public_url: None,
        s3_access_key: store.access_key.to_owned(),
        s3_secret_key: store.secret_key.to_owned().into(),
        s3_bucket: store.bucket.to_owned(),
        s3_region: "us-east-1".to_owned(),
    };
    let outbox = events::Outbox::new("media");
    let library = media::Library::new(house.db.clone(), outbox, &objects, 1);
    library.sweep(OffsetDateTime::now_utc() + LATER).await?;
    Ok(())
}
