//! What is around delivery: a shooting, a generation and a media in one, that tests can tell what to be like.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use api::sartiq::generation::v1::prediction_service_server::PredictionService;
use api::sartiq::generation::v1::*;
use api::sartiq::media::v1::media_service_server::MediaService;
use api::sartiq::media::v1::workspace_service_server::WorkspaceService;
use api::sartiq::media::v1::*;
use api::sartiq::shooting::v1::shot_service_server::ShotService;
use api::sartiq::shooting::v1::*;
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use server::Caller;
use tonic::{Request, Response, Status};
use types::id::{LookId, MediaId, OrganizationId, PredictionId, ShotId, ShotTypeId};

use crate::stage::Result;

/// The neighbours, over one object store.
#[derive(Clone)]
pub(crate) struct Studio {
    shelf: Arc<Mutex<Shelf>>,
    pub(crate) store: Client,
    pub(crate) bucket: String,
}

#[derive(Default)]
struct Shelf {
    shots: BTreeMap<String, (OrganizationId, Shot)>,
    looks: BTreeMap<String, Look>,
    predictions: BTreeMap<String, Prediction>,
    media: BTreeMap<String, String>,
    lost: BTreeMap<String, String>,
    is_workspace_away: bool,
    n_calls: usize,
}

impl Studio {
    pub(crate) fn new(store: Client, bucket: String) -> Self {
        Self { shelf: Arc::default(), store, bucket }
    }

    /// Adds a look and returns its id.
    pub(crate) fn look(&self, name: &str) -> String {
        let look = Look {
            id: LookId::generate().into(),
            name: name.to_owned(),
            shot_type_ids: (0..3).map(|_| ShotTypeId::generate().into()).collect(),
            ..Look::default()
        };
        let id = look.id.clone();
        self.shelf().looks.insert(id.clone(), look);
        id
    }

    /// Adds a shot of a look with an approved picture, and returns its id.
    pub(crate) async fn approved(
        &self,
        organization: OrganizationId,
        shooting: &str,
        look: &str,
        bytes: Vec<u8>,
    ) -> Result<String> {
        let id = ShotId::generate().to_string();
        let shot_type_id = {
            let shelf = self.shelf();
            let n_shots = shelf.shots.values().filter(|(_, it)| it.look_id == look).count();
            shelf.looks[look].shot_type_ids.get(n_shots).cloned().unwrap_or_default()
        };
        let shot = Shot {
            id: id.clone(),
            shooting_id: shooting.to_owned(),
            look_id: look.to_owned(),
            shot_type_id,
            state: shot::State::Approved.into(),
            ..Shot::default()
        };
        self.shelf().shots.insert(id.clone(), (organization, shot));
        self.approve(&id, bytes).await?;
        Ok(id)
    }

    /// Approves another picture for a shot.
    pub(crate) async fn approve(&self, shot: &str, bytes: Vec<u8>) -> Result {
        let (media, prediction) = (MediaId::generate().to_string(), PredictionId::generate());
        let key = format!("media/{media}/file");
        let put = self.store.put_object().bucket(&self.bucket).key(&key).body(bytes.into());
        put.send().await?;
        let prediction = Prediction {
            id: prediction.into(),
            media_id: media.clone(),
            shot_id: shot.to_owned(),
            ..Prediction::default()
        };
        let mut shelf = self.shelf();
        let (_, shot) = shelf.shots.get_mut(shot).ok_or("no such shot")?;
        shot.selected_prediction_id = prediction.id.clone();
        shot.state = shot::State::Approved.into();
        shelf.predictions.insert(prediction.id.clone(), prediction);
        shelf.media.insert(media, key);
        Ok(())
    }

    /// Undoes the approval of a shot.
    pub(crate) fn undo(&self, shot: &str) {
        if let Some((_, shot)) = self.shelf().shots.get_mut(shot) {
            shot.state = shot::State::ToReview.into();
            shot.selected_prediction_id.clear();
        }
    }

    /// Returns the approved prediction of a shot.
    pub(crate) fn prediction(&self, shot: &str) -> String {
        self.shelf().shots[shot].1.selected_prediction_id.clone()
    }

    /// Loses the picture of a shot.
    pub(crate) fn lose(&self, shot: &str) {
        let mut shelf = self.shelf();
        let media = shelf.predictions[&shelf.shots[shot].1.selected_prediction_id].media_id.clone();
        if let Some(key) = shelf.media.remove(&media) {
            shelf.lost.insert(media, key);
        }
    }

    /// Finds all lost pictures again.
    pub(crate) fn find_again(&self) {
        let mut shelf = self.shelf();
        let mut lost = std::mem::take(&mut shelf.lost);
        shelf.media.append(&mut lost);
    }

    /// Refuses to sign for services, or signs again.
    pub(crate) fn set_workspace_away(&self, is_away: bool) {
        self.shelf().is_workspace_away = is_away;
    }

    /// How often anybody asked for anything.
    pub(crate) fn n_calls(&self) -> usize {
        self.shelf().n_calls
    }

    fn open<M>(&self, request: Request<M>) -> Result<(OrganizationId, M), Status> {
        self.shelf().n_calls += 1;
        let caller = Caller::of(&request).ok_or_else(|| Status::unauthenticated("nobody"))?;
        Ok((caller.organization()?, request.into_inner()))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("no test panics while it holds the shelf")
    }

    async fn signed_get(&self, key: &str, filename: &str) -> Result<PresignedRequest, Status> {
        let disposition = format!("attachment; filename=\"{filename}\"");
        let disposition = Some(disposition).filter(|_| !filename.is_empty());
        let request = self.store.get_object().bucket(&self.bucket).key(key);
        let request = request.set_response_content_disposition(disposition);
        request.presigned(hour()?).await.map_err(internal)
    }
}

#[tonic::async_trait]
impl ShotService for Studio {
    async fn get_shot(
        &self,
        _: Request<GetShotRequest>,
    ) -> Result<Response<GetShotResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }

    async fn batch_get_shots(
        &self,
        request: Request<BatchGetShotsRequest>,
    ) -> Result<Response<BatchGetShotsResponse>, Status> {
        let (organization, request) = self.open(request)?;
        let shelf = self.shelf();
        let mut shots = Vec::new();
        for id in &request.ids {
            match shelf.shots.get(id) {
                Some((owner, shot)) if *owner == organization => shots.push(shot.clone()),
                _ => return Err(Status::not_found("no such shot")),
            }
        }
        let looks =
            shelf.looks.values().filter(|it| shots.iter().any(|shot| shot.look_id == it.id));
        let looks = looks.cloned().collect();
        Ok(Response::new(BatchGetShotsResponse { shots, looks }))
    }

    async fn list_shots(
        &self,
        request: Request<ListShotsRequest>,
    ) -> Result<Response<ListShotsResponse>, Status> {
        let (organization, request) = self.open(request)?;
        let shelf = self.shelf();
        let shots = shelf.shots.values().filter(|(owner, shot)| {
            *owner == organization
                && shot.shooting_id == request.shooting_id
                && (request.state() == shot::State::Unspecified || shot.state() == request.state())
                && request.page_token < shot.id
        });
        let size = if request.page_size == 0 { 50 } else { request.page_size.unsigned_abs() };
        let shots: Vec<_> = shots.map(|it| it.1.clone()).take(size as usize).collect();
        let is_last = shots.len() < size as usize;
        let last = shots.last().filter(|_| !is_last).map(|it| it.id.clone());
        Ok(Response::new(ListShotsResponse { shots, next_page_token: last.unwrap_or_default() }))
    }
}

#[tonic::async_trait]
impl PredictionService for Studio {
    async fn get_prediction(
        &self,
        _: Request<GetPredictionRequest>,
    ) -> Result<Response<GetPredictionResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }

    async fn batch_get_predictions(
        &self,
        request: Request<BatchGetPredictionsRequest>,
    ) -> Result<Response<BatchGetPredictionsResponse>, Status> {
        let (_, request) = self.open(request)?;
        let shelf = self.shelf();
        let found = request.ids.iter().map(|it| shelf.predictions.get(it).cloned());
        let predictions = found.collect::<Option<_>>();
        let predictions = predictions.ok_or_else(|| Status::not_found("no such prediction"))?;
        Ok(Response::new(BatchGetPredictionsResponse { predictions }))
    }

    async fn list_predictions(
        &self,
        _: Request<ListPredictionsRequest>,
    ) -> Result<Response<ListPredictionsResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }

    async fn cancel_prediction(
        &self,
        _: Request<CancelPredictionRequest>,
    ) -> Result<Response<CancelPredictionResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }
}

#[tonic::async_trait]
impl MediaService for Studio {
    async fn batch_get_media(
        &self,
        request: Request<BatchGetMediaRequest>,
    ) -> Result<Response<BatchGetMediaResponse>, Status> {
        let (_, request) = self.open(request)?;
        let media = request.ids.into_iter().map(|id| Media {
            id,
            media_type: "image/png".to_owned(),
            ..Media::default()
        });
        Ok(Response::new(BatchGetMediaResponse { media: media.collect() }))
    }

    async fn get_media(
        &self,
        _: Request<GetMediaRequest>,
    ) -> Result<Response<GetMediaResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }

    async fn set_attachments(
        &self,
        _: Request<SetAttachmentsRequest>,
    ) -> Result<Response<SetAttachmentsResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }

    async fn list_media(
        &self,
        _: Request<ListMediaRequest>,
    ) -> Result<Response<ListMediaResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }

    async fn sign_urls(
        &self,
        _: Request<SignUrlsRequest>,
    ) -> Result<Response<SignUrlsResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }

    async fn list_attachments(
        &self,
        _: Request<ListAttachmentsRequest>,
    ) -> Result<Response<ListAttachmentsResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }
}

#[tonic::async_trait]
impl WorkspaceService for Studio {
    async fn sign_write(
        &self,
        request: Request<SignWriteRequest>,
    ) -> Result<Response<SignWriteResponse>, Status> {
        let (_, request) = self.open(request)?;
        let mut writes = Vec::new();
        for it in request.targets {
            let put = self.store.put_object().bucket(&self.bucket).key(&it.key);
            let put = put.content_type(&it.media_type).content_length(it.size_bytes);
            let signed = put.presigned(hour()?).await.map_err(internal)?;
            let headers = signed.headers().filter(|it| !it.0.eq_ignore_ascii_case("host"));
            let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
            writes.push(SignedWrite {
                key: it.key,
                url: signed.uri().to_owned(),
                headers: headers.collect(),
                expire_time: None,
            });
        }
        Ok(Response::new(SignWriteResponse { writes }))
    }

    async fn sign_read(
        &self,
        request: Request<SignReadRequest>,
    ) -> Result<Response<SignReadResponse>, Status> {
        let (_, request) = self.open(request)?;
        if self.shelf().is_workspace_away {
            return Err(Status::unavailable("away"));
        }
        let mut reads = Vec::new();
        for it in request.sources {
            let key = match it.media_id.as_str() {
                "" => it.key,
                id => {
                    self.shelf().media.get(id).cloned().ok_or_else(|| Status::not_found("gone"))?
                }
            };
            let signed = self.signed_get(&key, &it.download_filename).await?;
            reads.push(SignedRead { url: signed.uri().to_owned(), ..SignedRead::default() });
        }
        Ok(Response::new(SignReadResponse { reads }))
    }

    async fn adopt(&self, _: Request<AdoptRequest>) -> Result<Response<AdoptResponse>, Status> {
        Err(Status::unimplemented("delivery never asks"))
    }
}

fn hour() -> Result<PresigningConfig, Status> {
    PresigningConfig::expires_in(Duration::from_secs(3600)).map_err(internal)
}

fn internal(error: impl std::fmt::Debug) -> Status {
    Status::internal(format!("{error:?}"))
}
