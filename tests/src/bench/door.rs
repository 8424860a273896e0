//! What the gateway adds to a call.

use std::time::Duration;

use api::sartiq::catalog::v1::GetProductRequest;
use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use bytes::Bytes;
use http_body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tonic::client::GrpcService;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Endpoint;
use tonic_web::GrpcWebClientLayer;
use tower::Layer;

use super::load::{Load, closed};
use super::report::Row;
use super::stage::Stage;
use crate::Result;

const AREA: &str = "a unary call (GetProduct), to the service and through the gateway";

/// How often each way is tried in turn, so that what else happens on the machine hits all.
const ROUNDS: usize = 8;

/// How long each try is.
const SPAN: Duration = Duration::from_millis(1_200);

/// How many call at once where it is about how many calls there can be.
const CALLERS: usize = 32;

pub(super) async fn rows(stage: &Stage) -> Result<Vec<Row>> {
    let token: MetadataValue<Ascii> = format!("Bearer {}", stage.owner.token).parse()?;
    let id = stage.product("a product to read").await?;
    let house = &stage.house;
    let (direct_url, gateway_url) = (house.url("catalog").to_owned(), house.gateway.clone());

    let mut rows = Vec::new();
    for n_callers in [1, CALLERS] {
        let (mut direct, mut native, mut web) = (Vec::new(), Vec::new(), Vec::new());
        for nth in 0..n_callers {
            // As many share a connection as they would in a service, or in a browser.
            if nth % 8 == 0 {
                direct.push(Endpoint::from_shared(direct_url.clone())?.connect().await?);
                native.push(Endpoint::from_shared(gateway_url.clone())?.connect().await?);
            } else {
                direct.extend(direct.last().cloned());
                native.extend(native.last().cloned());
            }
            let http = Client::builder(TokioExecutor::new()).build_http();
            web.push(GrpcWebClientLayer::new().layer(http));
        }
        let direct: Vec<_> = direct.into_iter().map(ProductServiceClient::new).collect();
        let native: Vec<_> = native.into_iter().map(ProductServiceClient::new).collect();
        let origin: http::Uri = gateway_url.parse()?;
        let with_origin = |it| ProductServiceClient::with_origin(it, origin.clone());
        let web: Vec<_> = web.into_iter().map(with_origin).collect();

        let mut loads: [Load; 3] = Default::default();
        for round in 0..=ROUNDS {
            let taken = [
                read(&direct, &token, &id).await?,
                read(&native, &token, &id).await?,
                read(&web, &token, &id).await?,
            ];
            // The first only warms up.
            if 0 < round {
                for (load, taken) in loads.iter_mut().zip(taken) {
                    load.join(taken);
                }
            }
        }
        let ways = ["gRPC to the service", "gRPC through the gateway", "gRPC-Web through it"];
        let setting = match n_callers {
            1 => "1 call at a time".to_owned(),
            n => format!("{n} calls at a time"),
        };
        let row = |name: String, figure, unit| Row::new(AREA, &setting, name, figure, unit);
        for (way, load) in ways.iter().zip(&loads) {
            rows.push(row(format!("{way}: rate"), load.rate(), "calls/s"));
            rows.push(row(format!("{way}: p50"), load.times.percentile(50), "ms"));
            rows.push(row(format!("{way}: p99"), load.times.percentile(99), "ms"));
        }
        let base = &loads[0];
        for (way, load) in ways.iter().zip(&loads).skip(1) {
            let added = load.times.percentile(50) - base.times.percentile(50);
            let added = row(format!("{way}: added to p50"), added, "ms");
            rows.push(if n_callers == 1 { added.at_most(0.5) } else { added });
            let ratio = load.rate() / base.rate();
            rows.push(row(format!("{way}: rate to the service's"), ratio, "×"));
        }
    }
    Ok(rows)
}

async fn read<T>(
    clients: &[ProductServiceClient<T>],
    token: &MetadataValue<Ascii>,
    id: &str,
) -> Result<Load>
where
    T: GrpcService<tonic::body::Body> + Clone + Send + Sync + 'static,
    T::Future: Send,
    T::Error: Into<tonic::codegen::StdError> + std::fmt::Debug,
    T::ResponseBody: Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    let (token, id) = (token.clone(), id.to_owned());
    closed(clients, SPAN, move |mut client| {
        let mut request = tonic::Request::new(GetProductRequest { id: id.clone() });
        request.metadata_mut().insert("authorization", token.clone());
        async move {
            client.get_product(request).await?;
            Ok(())
        }
    })
    .await
}
