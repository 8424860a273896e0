//! The made-up vendor.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use provider::conformance::{Ailment, Stub};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// Everything that it ever answers.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Answered {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) percent: Option<u32>,
    pub(crate) outputs: Vec<String>,
    pub(crate) error: String,
}

#[derive(Clone)]
pub(crate) struct Acme {
    pub(crate) base: String,
    books: Arc<Mutex<Books>>,
}

struct Books {
    ailment: Ailment,
    /// Whether what is wrong once was wrong already.
    has_ailed: bool,
    jobs: HashMap<String, Job>,
    cancellations: usize,
}

struct Job {
    count: u32,
    polls: u32,
    is_cancelled: bool,
    ailment: Ailment,
}

impl Acme {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let books = Books {
            ailment: Ailment::None,
            has_ailed: false,
            jobs: HashMap::new(),
            cancellations: 0,
        };
        let acme = Self {
            base: format!("http://{}/", listener.local_addr()?),
            books: Arc::new(Mutex::new(books)),
        };
        let router = Router::new()
            .route("/jobs", post(submit))
            .route("/jobs/{id}", get(poll))
            .route("/jobs/{id}/cancel", put(cancel))
            .route("/check", get(|| async { "fine" }))
            .layer(from_fn_with_state(acme.clone(), door))
            .route("/files/{id}", get(file))
            .with_state(acme.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(acme)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("nothing panics while it is held")
    }
}

impl Stub for Acme {
    async fn ail(&self, ailment: Ailment) {
        let mut books = self.books();
        (books.ailment, books.has_ailed) = (ailment, false);
    }

    async fn submissions(&self) -> usize {
        self.books().jobs.len()
    }

    async fn cancellations(&self) -> usize {
        self.books().cancellations
    }
}

async fn door(State(acme): State<Acme>, request: Request, next: Next) -> Response {
    let is_wrong = request.headers().get("authorization").is_none_or(|it| it != "key");
    let is_submission = request.uri().path() == "/jobs";
    let (ailment, once) = {
        let mut books = acme.books();
        let once = !std::mem::replace(&mut books.has_ailed, true);
        (books.ailment, once)
    };
    match ailment {
        _ if is_wrong => no(StatusCode::UNAUTHORIZED, ""),
        Ailment::RefusesKey => no(StatusCode::UNAUTHORIZED, ""),
        Ailment::BusyOnce if once => no(StatusCode::SERVICE_UNAVAILABLE, ""),
        Ailment::Busy if is_submission => {
            let mut response = no(StatusCode::TOO_MANY_REQUESTS, "");
            response.headers_mut().insert("retry-after", 600.into());
            response
        }
        Ailment::RefusesContent if is_submission => no(StatusCode::BAD_REQUEST, "policy"),
        Ailment::LosesAnswer if is_submission => {
            next.run(request).await;
            // A body that breaks before its first byte takes the connection along.
            let broken =
                futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("")) });
            Body::from_stream(broken).into_response()
        }
        _ => next.run(request).await,
    }
}

async fn submit(State(acme): State<Acme>, Json(count): Json<u32>) -> Json<Answered> {
    let mut books = acme.books();
    let id = format!("job-{}", books.jobs.len());
    let ailment = books.ailment;
    books.has_ailed = matches!(ailment, Ailment::BusyOnce);
    books.jobs.insert(id.clone(), Job { count, polls: 0, is_cancelled: false, ailment });
    Json(Answered { id, ..Answered::default() })
}

async fn poll(State(acme): State<Acme>, Path(id): Path<String>) -> Response {
    let mut books = acme.books();
    let Some(job) = books.jobs.get_mut(&id) else { return no(StatusCode::NOT_FOUND, "") };
    job.polls += 1;
    if job.is_cancelled {
        return no(StatusCode::GONE, "cancelled");
    }
    let mut answered = Answered { id: id.clone(), ..Answered::default() };
    match (job.ailment, job.polls) {
        (Ailment::Forgets, _) => return no(StatusCode::NOT_FOUND, ""),
        (Ailment::CannotRead, _) => return no(StatusCode::BAD_REQUEST, "unreadable"),
        (Ailment::Breaks, 2..) => return no(StatusCode::INTERNAL_SERVER_ERROR, ""),
        (Ailment::GarbledOnce, 1) => return "{\"state\":".into_response(),
        (Ailment::OddOnce, 1) => answered.state = "pondering".into(),
        (_, 1) => answered.state = "queued".into(),
        (Ailment::Stalls, _) => answered.state = "running".into(),
        // Backwards once, as vendors do.
        (_, 2..4) => {
            answered.state = "running".into();
            answered.percent = Some(80 - 20 * job.polls);
        }
        _ => {
            answered.state = "done".into();
            let file = |index| format!("{}files/{id}-{index}", acme.base);
            answered.outputs = (0..job.count).map(file).collect();
        }
    }
    Json(answered).into_response()
}

async fn cancel(State(acme): State<Acme>, Path(id): Path<String>) -> StatusCode {
    let mut books = acme.books();
    let Some(job) = books.jobs.get_mut(&id) else { return StatusCode::NOT_FOUND };
    if std::mem::replace(&mut job.is_cancelled, true) {
        return StatusCode::CONFLICT;
    }
    books.cancellations += 1;
    StatusCode::OK
}

async fn file(State(acme): State<Acme>, headers: HeaderMap) -> Response {
    if headers.contains_key("authorization") {
        return no(StatusCode::BAD_REQUEST, "our key went where it does not belong");
    }
    match acme.books().ailment {
        Ailment::Expires => no(StatusCode::GONE, ""),
        Ailment::Mislabels => "<html>".into_response(),
        _ => {
            let picture = pixels::Picture::filled(48, 64, [200, 30, 60, 255]);
            picture.to_png().expect("a file").into_response()
        }
    }
}

/// A refusal of the vendor's own.
fn no(status: StatusCode, error: &str) -> Response {
    let answered = Answered { error: error.into(), ..Answered::default() };
    (status, [("x-acme", "1")], Json(answered)).into_response()
}
