//! Spans for an OTLP collector over HTTP, sent in batches by a thread of their own.

use super::{ObserveError, Settings, Telling};
use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::{Layer, Registry};
use ureq::Agent;

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);

type Layers = Vec<Box<dyn Layer<Registry> + Send + Sync>>;

/// Where spans go; dropped, it sends those that wait.
#[derive(Debug)]
pub(super) struct Spans(SdkTracerProvider);

impl Drop for Spans {
    fn drop(&mut self) {
        // Nobody is left to be told that the collector is not there.
        let _ = self.0.shutdown();
    }
}

/// Adds the sending of spans, where a collector is named.
pub(super) fn begin(settings: &Settings, mut layers: Layers) -> Result<(Layers, Telling), ObserveError> {
    let Some(collector) = &settings.collector else { return Ok((layers, Telling::default())) };
    let exporter = SpanExporter::builder().with_http().with_http_client(Client::new()).with_endpoint(collector).build();
    let exporter =
        exporter.map_err(|cause| ObserveError::Collector { collector: collector.clone(), cause: cause.to_string() })?;
    let resource = Resource::builder().with_service_name("trace").build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    // What the log leaves out is sent all the same.
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("trace"));
    layers.push(spans.with_filter(LevelFilter::INFO).boxed());
    Ok((layers, Telling { _spans: Some(Spans(provider)) }))
}

/// The client that the rest of the server uses too. It blocks, on the thread that sends.
#[derive(Debug)]
struct Client(Agent);

impl Client {
    fn new() -> Client {
        Client(Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.as_ref()))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
