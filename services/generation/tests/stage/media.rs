//! A media that adopts whatever it is asked to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use api::sartiq::media::v1::*;
use testkit::StandIn;
use tonic::service::Routes;
use tonic::{Code, Status};
use types::id::{MediaId, OrganizationId};

use super::lock;

/// A media that adopts whatever it is asked to.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<Mutex<Shelf>>);

/// A file that was adopted.
#[derive(Clone, Debug)]
pub(crate) struct Adopted {
    pub(crate) media_id: String,
    pub(crate) organization: OrganizationId,
    pub(crate) request: AdoptRequest,
}

#[derive(Default)]
struct Shelf {
    refuses: Option<Code>,
    n_refused: usize,
    adopted: BTreeMap<String, Adopted>,
    attached: Vec<SetAttachmentsRequest>,
}

impl Store {
    /// Refuses every call with `code`, or answers again.
    pub(crate) fn refuse(&self, code: Option<Code>) {
        lock(&self.0).refuses = code;
    }

    /// Returns how often it refused.
    pub(crate) fn n_refused(&self) -> usize {
        lock(&self.0).n_refused
    }

    /// Returns what was adopted.
    pub(crate) fn adopted(&self) -> Vec<Adopted> {
        lock(&self.0).adopted.values().cloned().collect()
    }

    /// Returns what media were said to be used for.
    pub(crate) fn attached(&self) -> Vec<SetAttachmentsRequest> {
        lock(&self.0).attached.clone()
    }

    pub(crate) fn routes(&self) -> Routes {
        let [a, b] = [self.clone(), self.clone()];
        StandIn::default()
            .rpc("/sartiq.media.v1.WorkspaceService/Adopt", move |caller, request| {
                a.adopt(caller.organization()?, request)
            })
            .rpc("/sartiq.media.v1.MediaService/SetAttachments", move |_, request| {
                b.attach(request)
            })
            .routes()
    }

    fn adopt(
        &self,
        organization: OrganizationId,
        request: AdoptRequest,
    ) -> Result<AdoptResponse, Status> {
        let mut shelf = lock(&self.0);
        shelf.open()?;
        let media_id = MediaId::generate().to_string();
        let adopted = Adopted { media_id, organization, request: request.clone() };
        let adopted = shelf.adopted.entry(request.key).or_insert(adopted);
        let media = Media {
            id: adopted.media_id.clone(),
            placeholder: vec![1, 2, 3].into(),
            ..Default::default()
        };
        Ok(AdoptResponse { media: Some(media) })
    }

    fn attach(&self, request: SetAttachmentsRequest) -> Result<SetAttachmentsResponse, Status> {
        let mut shelf = lock(&self.0);
        shelf.open()?;
        shelf.attached.push(request);
        Ok(SetAttachmentsResponse::default())
    }
}

impl Shelf {
    fn open(&mut self) -> Result<(), Status> {
        let Some(code) = self.refuses else { return Ok(()) };
        self.n_refused += 1;
        Err(Status::new(code, "media says no"))
    }
}
