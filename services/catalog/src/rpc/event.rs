//! What the catalog tells the mesh.

use api::sartiq::event::v1::ProductChanged;
use api::sartiq::event::v1::event::Payload;
use events::Draft;
use server::Caller;
use types::id::OrganizationId;

use crate::product::Product;

/// Drafts the event that tells `what` happened to `product`.
pub(super) fn product(
    organization: OrganizationId,
    caller: &Caller,
    what: impl FnOnce(ProductChanged) -> Payload,
    product: &Product,
) -> Draft {
    let changed = ProductChanged {
        product_id: product.id.into(),
        name: product.content.name.clone(),
        sku: product.content.sku.as_str().to_owned(),
    };
    Draft::new(organization, what(changed)).caused_by(caller)
}
