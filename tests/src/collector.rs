//! A collector of traces, as an operator runs one, that remembers everything it is sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::Result;

/// A collector that listens for as long as the test runs.
#[derive(Clone, Debug)]
pub struct Collector {
    address: SocketAddr,
    memory: Memory,
}

/// A span that was sent.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which service sent it.
    pub service: String,
    /// What it was.
    pub name: String,
    /// The id of the trace.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// The id of what it is a part of.
    pub parent_id: String,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    seen: Arc<Mutex<Vec<Seen>>>,
    text: Arc<Mutex<String>>,
}

impl Collector {
    /// Starts one.
    pub async fn start() -> Result<Self> {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
        let address = incoming.local_addr()?;
        let memory = Memory::default();
        let server = Server::builder().add_service(TraceServiceServer::new(memory.clone()));
        tokio::spawn(server.serve_with_incoming(incoming));
        Ok(Self { address, memory })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans of a trace.
    pub fn trace(&self, id: &str) -> Vec<Seen> {
        let seen = self.memory.seen.lock().expect("no holder panics");
        seen.iter().filter(|it| it.trace_id == id).cloned().collect()
    }

    /// All that was sent, as text.
    pub fn text(&self) -> String {
        self.memory.text.lock().expect("no holder panics").clone()
    }
}

#[tonic::async_trait]
impl TraceService for Memory {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut text = self.text.lock().expect("no holder panics");
        let mut seen = self.seen.lock().expect("no holder panics");
        text.push_str(&format!("{request:?}\n"));
        for group in request.into_inner().resource_spans {
            let attributes = group.resource.map(|it| it.attributes).unwrap_or_default();
            let service = attributes.into_iter().find(|it| it.key == "service.name");
            let service = match service.and_then(|it| it.value).and_then(|it| it.value) {
                Some(Value::StringValue(name)) => name,
                _ => String::new(),
            };
            for span in group.scope_spans.into_iter().flat_map(|it| it.spans) {
                seen.push(Seen {
                    service: service.clone(),
                    name: span.name,
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent_id: hex(&span.parent_span_id),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
