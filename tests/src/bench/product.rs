//! Products made and read, as a browser's users would, on many connections.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::{CreateProductRequest, GetProductRequest, ProductInput};
use tonic::transport::Endpoint;

use super::load::{Load, closed};
use super::report::Row;
use super::stage::{Stage, Usage};
use crate::{Result, request_id};

const AREA: &str = "products through the gateway";
const CONNECTIONS: usize = 64;
const SPAN: Duration = Duration::from_secs(8);

pub(super) async fn rows(stage: &Stage) -> Result<Vec<Row>> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let channel = Endpoint::from_shared(stage.house.gateway.clone())?.connect().await?;
        clients.push(ProductServiceClient::new(stage.owner.over(channel)));
    }
    let ids = Arc::<Mutex<Vec<String>>>::default();
    let mut rows = Vec::new();

    let before = stage.usage()?;
    let made = ids.clone();
    let load = closed(&clients, SPAN, move |mut client| {
        let made = made.clone();
        async move {
            let product = ProductInput {
                name: "Linen shirt, undyed".to_owned(),
                sku: request_id(),
                ..ProductInput::default()
            };
            let request = CreateProductRequest { request_id: request_id(), product: Some(product) };
            let answer = client.create_product(request).await?.into_inner();
            made.lock().expect("nobody panics").extend(answer.product.map(|it| it.id));
            Ok(())
        }
    })
    .await?;
    rows.extend(figures("created", &load, &stage.usage()?, &before));

    stage.settle().await?;
    let before = stage.usage()?;
    let made = ids.clone();
    let load = closed(&clients, SPAN, move |mut client| {
        let id = {
            let made = made.lock().expect("nobody panics");
            made[usize::from(rand::random::<u16>()) % made.len()].clone()
        };
        async move {
            client.get_product(GetProductRequest { id }).await?;
            Ok(())
        }
    })
    .await?;
    rows.extend(figures("read", &load, &stage.usage()?, &before));
    Ok(rows)
}

fn figures(what: &str, load: &Load, after: &Usage, before: &Usage) -> [Row; 6] {
    let n = load.times.len();
    let setting = format!("{CONNECTIONS} connections");
    let row = |name: &str, figure, unit| {
        Row::new(AREA, &setting, format!("{what}: {name}"), figure, unit)
    };
    [
        row("rate", load.rate(), "calls/s"),
        row("p50", load.times.percentile(50), "ms"),
        row("p99", load.times.percentile(99), "ms"),
        row("processor, the gateway", after.since(before, &["gateway"], n), "µs/call"),
        row("processor, catalog", after.since(before, &["catalog"], n), "µs/call"),
        row("processor, PostgreSQL", after.since(before, &["PostgreSQL"], n), "µs/call"),
    ]
}
