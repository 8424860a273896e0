//! The things of the catalog that looks name.

use std::collections::{BTreeMap, BTreeSet};

use api::sartiq::catalog::v1 as pb;
use api::sartiq::catalog::v1::product::State;
use server::Caller;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use types::Findings;
use types::id::ProductId;
use uuid::Uuid;

use crate::Studio;
use crate::error::{Error, Result};
use crate::look::{Reference, To};

/// How many things the catalog gives at a time.
const BATCH: usize = 100;

/// The names of products, by id.
pub(super) type Names = BTreeMap<ProductId, String>;

/// Fails unless the organization may use all that `references` name. Returns the products' names.
///
/// Asks once for each kind of thing, whatever the number of looks; a kind of which more than a
/// hundred different ones are named takes a call for each hundred.
pub(super) async fn check(
    studio: &Studio,
    caller: &Caller,
    references: &[Reference],
) -> Result<Names> {
    let (products, subjects, styles, guidelines, shot_types) = tokio::try_join!(
        products(studio, caller, ids(references, To::Product)),
        missing(ids(references, To::Subject), |ids| {
            let request = caller.call(pb::BatchGetSubjectsRequest { ids });
            let mut client = studio.subjects.clone();
            async move { client.batch_get_subjects(request).await.map(drop) }
        }),
        missing(ids(references, To::Style), |ids| {
            let request = caller.call(pb::BatchGetStylesRequest { ids });
            let mut client = studio.styles.clone();
            async move { client.batch_get_styles(request).await.map(drop) }
        }),
        missing(ids(references, To::Guideline), |ids| {
            let request = caller.call(pb::BatchGetGuidelinesRequest { ids });
            let mut client = studio.guidelines.clone();
            async move { client.batch_get_guidelines(request).await.map(drop) }
        }),
        missing(ids(references, To::ShotType), |ids| {
            let request = caller.call(pb::BatchGetShotTypesRequest { ids });
            let mut client = studio.shot_types.clone();
            async move { client.batch_get_shot_types(request).await.map(drop) }
        }),
    )?;
    let mut findings = Findings::default();
    for it in references {
        let missing = match it.to {
            To::Product => &products.missing,
            To::Subject => &subjects,
            To::Style => &styles,
            To::Guideline => &guidelines,
            To::ShotType => &shot_types,
        };
        if missing.contains(&it.id) {
            findings.add(&it.path, format!("there is no {} {}", it.to.as_str(), it.id));
        } else if it.to == To::Product && products.archived.contains(&it.id) {
            findings.add(&it.path, "the product is archived");
        }
    }
    findings.end()?;
    Ok(products.names)
}

#[derive(Default)]
struct Products {
    names: Names,
    archived: BTreeSet<Uuid>,
    missing: BTreeSet<Uuid>,
}

async fn products(studio: &Studio, caller: &Caller, ids: Vec<Uuid>) -> Result<Products> {
    let mut found = Products::default();
    for ids in ids.chunks(BATCH) {
        let request = pb::BatchGetProductsRequest { ids: texts(ids) };
        match studio.products.clone().batch_get_products(caller.call(request)).await {
            Ok(reply) => {
                for product in reply.into_inner().products {
                    let id: ProductId = product.id.parse()?;
                    if product.state() == State::Archived {
                        found.archived.insert(id.uuid());
                    }
                    found.names.insert(id, product.name);
                }
            }
            Err(status) => found.missing.extend(named(status, ids)?),
        }
    }
    Ok(found)
}

/// Returns those of `ids` that `ask` says are missing.
async fn missing<F>(ids: Vec<Uuid>, ask: impl Fn(Vec<String>) -> F) -> Result<BTreeSet<Uuid>>
where
    F: Future<Output = Result<(), Status>>,
{
    let mut missing = BTreeSet::new();
    for ids in ids.chunks(BATCH) {
        if let Err(status) = ask(texts(ids)).await {
            missing.extend(named(status, ids)?);
        }
    }
    Ok(missing)
}

/// Returns the ids that the catalog says it does not have: all that were asked for if it does not
/// say which. Fails if it says something else.
fn named(status: Status, asked: &[Uuid]) -> Result<Vec<Uuid>> {
    if status.code() != Code::NotFound {
        return Err(Error::of_catalog(status));
    }
    let info = status.get_details_error_info();
    let text = info.and_then(|it| it.metadata.get("ids").cloned()).unwrap_or_default();
    let named: Vec<_> = text.split(',').filter_map(|it| it.parse().ok()).collect();
    Ok(if named.is_empty() { asked.to_vec() } else { named })
}

/// Returns the different ids that `references` name of one kind.
fn ids(references: &[Reference], to: To) -> Vec<Uuid> {
    let ids: BTreeSet<_> = references.iter().filter(|it| it.to == to).map(|it| it.id).collect();
    ids.into_iter().collect()
}

fn texts(ids: &[Uuid]) -> Vec<String> {
    ids.iter().map(Uuid::to_string).collect()
}
