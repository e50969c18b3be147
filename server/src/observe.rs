//! What a server tells of its work: a line of log and a span for each request, and figures for Prometheus.
//!
//! INVARIANTS: no bodies, no queries and no paths but the patterns of routes are told; labels are patterns, statuses, tiers and
//! names of our own, so that their number is bounded and no tenant is named in a figure. Deliberately absent: any sending by
//! itself, unless the program is built with the feature `otlp` and told where to.

use crate::service::Service;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::Response;
use consistency::store::StoreError;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use router::recall::{Spending, Tier};
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, info, info_span};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry};
use uuid::Uuid;

/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest name of a request that is taken from outside, in bytes.
const MAX_ID_BYTES: usize = 64;
/// The upper bounds of the buckets of latencies, in seconds.
const BUCKETS_S: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            other => Err(format!("`{other}` is not a format of logs: write `text` or `json`")),
        }
    }
}

/// What is told, and how.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How the log is written.
    pub format: LogFormat,
    /// What is logged, as `TRACE_LOG` says it: `info`, `server=debug,warn`; `info` where nothing is said.
    pub filter: Option<String>,
    /// Where spans are sent: an OTLP/HTTP collector such as `http://127.0.0.1:4318/v1/traces`.
    #[cfg(feature = "otlp")]
    pub collector: Option<String>,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// The filter is none.
    #[error("`{filter}` does not say what to log: {source}\nhelp: write a level, as in `info`, or `server=debug,warn`")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else logs already.
    #[error("the log is taken by another part of the program")]
    Taken(#[from] TryInitError),
    /// The figures can't be kept.
    #[error("the figures can't be kept: {0}")]
    Figures(String),
    /// The collector.
    #[cfg(feature = "otlp")]
    #[error("spans can't be sent to `{collector}`: {cause}")]
    Collector {
        /// Where they were to go.
        collector: String,
        /// Why.
        cause: String,
    },
}

/// Telling, as long as it is kept: what is dropped last sends what is not sent yet.
#[derive(Debug, Default)]
#[must_use]
pub struct Telling {
    #[cfg(feature = "otlp")]
    _spans: Option<otlp::Spans>,
}

/// Begins to log to standard error.
///
/// # Errors
/// [`ObserveError`] when the filter is none, or something else logs already.
pub fn begin(settings: &Settings) -> Result<Telling, ObserveError> {
    let filter = settings.filter.as_deref().unwrap_or("info");
    let parsed = EnvFilter::try_new(filter);
    let parsed = parsed.map_err(|source| ObserveError::Filter { filter: filter.to_owned(), source })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
        LogFormat::Text => lines.with_filter(parsed).boxed(),
        LogFormat::Json => lines.json().with_filter(parsed).boxed(),
    };
    let layers = vec![lines];
    #[cfg(feature = "otlp")]
    let (layers, telling) = otlp::begin(settings, layers)?;
    #[cfg(not(feature = "otlp"))]
    let telling = Telling::default();
    tracing_subscriber::registry().with(layers).try_init()?;
    Ok(telling)
}

#[cfg(feature = "otlp")]
mod otlp;

/// The same routes, with a name, a span, a line of log and figures for each request.
///
/// A request is named by its header `x-request-id`, where it has a fit one, and by a new name otherwise; the answer repeats it.
pub fn observed<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    if let Err(error) = Figures::keep() {
        tracing::warn!(%error, "requests are not counted");
    }
    routes.layer(middleware::from_fn(observe))
}

/// Notes whose request this is, in its span.
pub fn note_tenant(tenant: &memory::Tenant) {
    Span::current().record("tenant", tenant.name());
}

async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = named(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let method = method(request.method());
    let span = info_span!("request", id = ?id, method, route, status = Empty, tenant = Empty);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), started.elapsed());
    span.record("status", status.as_u16());
    span.in_scope(|| info!(status = status.as_u16(), ms = took.as_secs_f64() * 1000.0, "answered"));
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.as_str().to_owned())];
    counter!("trace_http_requests_total", &labels).increment(1);
    let [method, route, _] = labels;
    histogram!("trace_http_request_seconds", &[method, route]).record(took.as_secs_f64());
    response.headers_mut().entry(REQUEST_ID).or_insert(id);
    response
}

/// The method, where it is one that routes have: anybody can make up others.
fn method(method: &axum::http::Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("(other)")
}

/// The name of a request: as it was sent where it can't harm a log, or a new one.
fn named(headers: &HeaderMap) -> HeaderValue {
    let fits = |id: &&HeaderValue| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (1..=MAX_ID_BYTES).contains(&id.len()) && id.as_bytes().iter().all(plain)
    };
    let new = || HeaderValue::from_str(&Uuid::now_v7().to_string()).unwrap_or(HeaderValue::from_static("unnamed"));
    headers.get(REQUEST_ID).filter(fits).cloned().unwrap_or_else(new)
}

/// Counts what a recall has spent, by the tier in which each module ran.
pub fn count_recall(spending: &Spending) {
    counter!("trace_recalls_total").increment(1);
    histogram!("trace_recall_seconds").record(spending.ms / 1000.0);
    for step in &spending.steps {
        let tier = match step.ran {
            Some(Tier::Low) => "low",
            Some(Tier::Mid) => "mid",
            Some(Tier::High) => "high",
            None => "none",
        };
        counter!("trace_recall_steps_total", "tier" => tier).increment(1);
        counter!("trace_recall_tokens_total", "tier" => tier).increment(step.cost.tokens);
        counter!("trace_recall_nano_usd_total", "tier" => tier).increment(step.cost.nano_usd.0);
    }
}

/// The figures of this process.
pub struct Figures(PrometheusHandle);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Figures {
    /// Keeps figures from now on. There is one set of them in a process, however often this is asked.
    ///
    /// # Errors
    /// [`ObserveError::Figures`] when another part of the program keeps them.
    pub fn keep() -> Result<&'static Figures, ObserveError> {
        static KEPT: OnceLock<Result<Figures, String>> = OnceLock::new();
        let kept = KEPT.get_or_init(|| figures().map_err(|error| error.to_string()));
        kept.as_ref().map_err(|error| ObserveError::Figures(error.clone()))
    }

    /// The figures as Prometheus reads them, those of a service as they are now.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn of(&self, service: &Service) -> Result<String, StoreError> {
        let clock = service.store().clock()?;
        counter!("trace_store_commits_total").absolute(clock.sequence());
        whole("trace_store_epoch", clock.epoch());
        let stats = service.index().stats();
        whole("trace_index_records", stats.records as u64);
        whole("trace_index_vectors", stats.vectors as u64);
        whole("trace_index_lag_commits", clock.sequence().saturating_sub(stats.followed.sequence()));
        whole("trace_state_sessions", service.sessions().open() as u64);
        whole("trace_state_watchers", service.feed().waiting() as u64);
        whole("trace_state_open_commits", service.store().open_commits()?.len() as u64);
        self.0.run_upkeep();
        Ok(self.0.render())
    }
}

fn whole(name: &'static str, figure: u64) {
    // Exact up to 2⁵³, like every figure of Prometheus.
    #[expect(clippy::cast_precision_loss, reason = "figures of Prometheus are floating-point numbers")]
    gauge!(name).set(figure as f64);
}

fn figures() -> Result<Figures, BuildError> {
    let latencies = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(latencies, &BUCKETS_S)?;
    let handle = builder.install_recorder()?;
    describe_counter!("trace_http_requests_total", "requests, by method, pattern of the route and status");
    describe_histogram!("trace_http_request_seconds", Unit::Seconds, "time until the answer began");
    describe_counter!("trace_store_commits_total", "commits of the store, those of other processes included");
    describe_gauge!("trace_store_epoch", "how often the store has recovered");
    describe_gauge!("trace_index_records", "records in the indexes, of all tenants");
    describe_gauge!("trace_index_vectors", "how many of them have a vector");
    describe_gauge!("trace_index_lag_commits", "by how many commits the indexes are behind the store");
    describe_gauge!("trace_state_sessions", "sessions that the server holds for clients");
    describe_gauge!("trace_state_watchers", "who watches cells");
    describe_gauge!("trace_state_open_commits", "commits that are not final");
    describe_counter!("trace_recalls_total", "recalls");
    describe_histogram!("trace_recall_seconds", Unit::Seconds, "time that a recall took");
    describe_counter!("trace_recall_steps_total", "modules that ran for recalls, by the tier in which they ran");
    describe_counter!("trace_recall_tokens_total", "tokens that modules put into contexts, by tier");
    describe_counter!("trace_recall_nano_usd_total", "what models cost, in 10⁻⁹ US dollars, by tier");
    describe_gauge!("trace_build_info", "the version of the program; always 1");
    gauge!("trace_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(Figures(handle))
}
