//! What delivery tells the mesh.

use api::sartiq::event::v1::ExportChanged;
use api::sartiq::event::v1::event::Payload;
use events::Draft;

use crate::export::{Export, Tally};
use crate::rpc::wire;

/// Drafts the event that tells how far an export is. Not to be kept.
pub(crate) fn progress(export: &Export, tally: Tally) -> Draft {
    Draft::new(export.organization_id, Payload::ExportProgress(changed(export, tally)))
}

/// Drafts the event that tells that an export waits for its target.
pub(crate) fn waiting(export: &Export) -> Draft {
    Draft::new(export.organization_id, Payload::ExportWaiting(changed(export, export.tally)))
}

/// Drafts the event that tells that an export ended.
pub(crate) fn ended(export: &Export) -> Draft {
    Draft::new(export.organization_id, Payload::ExportEnded(changed(export, export.tally)))
}

fn changed(export: &Export, tally: Tally) -> ExportChanged {
    ExportChanged {
        export_id: export.id.into(),
        shooting_id: export.shooting_id.into(),
        state: wire::export_state(export.state).as_str_name().to_owned(),
        item_count: tally.items,
        delivered_count: tally.delivered,
        failed_count: tally.failed,
        problem: export.problem.clone(),
    }
}
