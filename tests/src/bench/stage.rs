//! The mesh that is measured.

use std::collections::BTreeMap;
use std::time::Duration;

use api::sartiq::catalog::v1::product_service_client::ProductServiceClient;
use api::sartiq::catalog::v1::{CreateProductRequest, ProductInput};
use sqlx::postgres::PgPoolOptions;

use super::{adapter, usage};
use crate::process::Process;
use crate::{Actor, House, Result, SERVICES, Servers, Setup, free_address, request_id};

/// PostgreSQL as one would run it: what is answered is on the disk. Its count of statements tells from
/// outside how many a service makes.
const SETTINGS: [&str; 5] = [
    "fsync=on",
    "synchronous_commit=on",
    "shared_buffers=512MB",
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.max=20000",
];

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) house: House,
    pub(super) servers: Servers,
    /// Somebody who uses it.
    pub(super) owner: Actor,
    adapter: Process,
}

impl Stage {
    /// Starts it.
    pub(super) async fn start() -> Result<Self> {
        let servers = Servers::start_with(&SETTINGS).await?;
        let db = PgPoolOptions::new().max_connections(2).connect(&servers.database_url()).await?;
        // Each service is a user of its own, so that its statements can be told from others'.
        for service in SERVICES {
            let name = role(service);
            let create = format!("create role {name} superuser login");
            sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&db).await?;
        }
        sqlx::raw_sql("create extension pg_stat_statements").execute(&db).await?;
        let address = free_address()?;
        let setup = Setup {
            database_url: servers.database_url(),
            redis_url: servers.redis_url(),
            latency: 0.0,
            replicas: Vec::new(),
            // One client is everybody here.
            settings: vec![
                ("CALLS_PER_SECOND", "1000000"),
                ("CALL_BURST", "1000000"),
                ("CONCURRENCY", "4096"),
                ("RUST_LOG", "warn"),
            ],
            providers: vec![(adapter::NAME, format!("http://{address}"))],
        };
        let database_url = servers.database_url();
        let house = House::start_as(db, setup, |service| {
            let user = format!("//{}@", role(service));
            vec![("DATABASE_URL", database_url.replace("//postgres@", &user))]
        })
        .await?;
        let adapter = adapter::start(&house, address).await?;
        let owner = house.owner("bench").await?;
        Ok(Self { house, servers, owner, adapter })
    }

    /// Makes a product.
    pub(super) async fn product(&self, name: &str) -> Result<String> {
        let product = ProductInput { name: name.to_owned(), ..ProductInput::default() };
        let request = CreateProductRequest { request_id: request_id(), product: Some(product) };
        let mut products = ProductServiceClient::new(self.owner.signed.clone());
        let answer = products.create_product(request).await?.into_inner();
        Ok(answer.product.ok_or("no product")?.id)
    }

    /// Lets PostgreSQL learn what is in its tables, as it does by itself within a minute.
    pub(super) async fn settle(&self) -> Result {
        sqlx::raw_sql("analyze").execute(&self.house.db).await?;
        Ok(())
    }

    /// The processor time that each process has used so far.
    pub(super) fn usage(&self) -> Result<Usage> {
        let mut used = BTreeMap::new();
        for service in self.house.names() {
            used.insert(service, usage::processor(self.house.pid(service)?)?);
        }
        used.insert("the adapter", usage::processor(self.adapter.pid()?)?);
        used.insert("PostgreSQL", usage::processor_of_all(self.servers.postgres_pid()?)?);
        used.insert("Redis", usage::processor(self.servers.redis_pid()?)?);
        Ok(Usage(used))
    }
}

/// The processor time of all processes.
#[derive(Clone, Debug)]
pub(super) struct Usage(BTreeMap<&'static str, Duration>);

impl Usage {
    /// What these used between then and now, in microseconds for each of `count` things.
    pub(super) fn since(&self, then: &Self, names: &[&str], count: usize) -> f64 {
        let used = names.iter().map(|it| self.0[it].saturating_sub(then.0[it]));
        used.sum::<Duration>().as_secs_f64() * 1e6 / count as f64
    }
}

/// What PostgreSQL calls a service.
pub(super) fn role(service: &str) -> String {
    service.replace('-', "_")
}
