//! Language models over HTTP: one client, and a protocol a file.
//!
//! A question is asked again only while nobody began to answer it: on a refused connection, on 408, 429 and 5xx. Once a stream
//! has begun it may be billed, and a failure ends the question. Redirects are not followed, bodies are capped, the deadline
//! holds across connecting, waiting, retrying and the whole stream, and neither errors nor `Debug` show a key.

mod anthropic;
pub mod breaker;
mod ollama;
mod openai;
pub mod prices;
mod protocol;
pub mod settings;
mod stream;

pub use settings::{Provider, Settings, SettingsError};

use breaker::{Breaker, Outcome};
use memory::budget::Clock;
use memory::model::{Answer, Ask, Model, ModelError, Price, Usage};
use memory::tokens;
use parking_lot::Mutex;
use protocol::Protocol;
use serde_json::Value;
use settings::Key;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body, Timeout};

/// How much of an error's body is looked at, in bytes.
const MAX_ERROR_BYTES: u64 = 16 * 1024;
/// A provider that takes longer than this has failed; with less time nothing can be told.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest wait before a further attempt that nobody asked for.
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// A language model over HTTP.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    key: Key,
    price: Price,
    protocol: Box<dyn Protocol>,
    agent: Agent,
    breaker: Mutex<Breaker>,
    clock: Arc<dyn Clock>,
}

/// Why one attempt came to nothing.
struct Failure {
    error: ModelError,
    again: Again,
}

/// Whether another attempt could help.
enum Again {
    Never,
    Later,
    /// The provider says when.
    After(Duration),
}

impl Client {
    /// The client of a model; `env` reads the environment, from which the key comes.
    ///
    /// # Errors
    /// [`SettingsError`] says what to set otherwise.
    pub fn new(
        settings: Settings,
        env: impl Fn(&str) -> Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Client, SettingsError> {
        let (key, price) = (settings.key(env)?, settings.price()?);
        let protocol: Box<dyn Protocol> = match settings.provider {
            Provider::OpenAi => Box::new(openai::OpenAi),
            Provider::Anthropic => Box::new(anthropic::Anthropic),
            Provider::Ollama => Box::new(ollama::Ollama),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A connection that the other side has closed meanwhile would look like a failed answer.
            .max_idle_connections(0)
            .user_agent(concat!("trace/", env!("CARGO_PKG_VERSION")));
        let config = if settings.is_local() { config.proxy(None) } else { config };
        let agent = config.build().new_agent();
        Ok(Client { settings, key, price, protocol, agent, breaker: Mutex::default(), clock })
    }

    /// The state of the circuit.
    pub fn circuit(&self) -> Breaker {
        *self.breaker.lock()
    }

    fn attempts(&self, ask: &Ask) -> Result<Answer, ModelError> {
        let deadline = self.clock.elapsed().saturating_add(ask.time);
        let left = || deadline.saturating_sub(self.clock.elapsed());
        let mut backoff = Duration::from_millis(self.settings.backoff_ms.into());
        let mut retries = self.settings.retries;
        loop {
            let failure = match self.attempt(ask, left()) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let wait = match failure.again {
                Again::Never => return Err(failure.error),
                Again::Later => backoff,
                Again::After(wait) => wait,
            };
            if retries == 0 || wait >= left() {
                return Err(failure.error);
            }
            std::thread::sleep(wait);
            retries -= 1;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
    }

    fn attempt(&self, ask: &Ask, left: Duration) -> Result<Answer, Failure> {
        if left.is_zero() {
            return Err(Failure {
                error: ModelError::Unreachable("there is no time left".to_owned()),
                again: Again::Never,
            });
        }
        let url = format!("{}{}", self.settings.address(), self.protocol.path());
        let mut request = self.agent.post(&url);
        for (name, value) in self.protocol.headers(&self.key.0) {
            request = request.header(name, value);
        }
        let request = request.config().timeout_global(Some(left)).build();
        let response = request.send_json(self.protocol.body(&self.settings, ask)).map_err(|error| unsent(&error))?;
        if response.status() != StatusCode::OK {
            return Err(refused(response));
        }
        let body = response.into_body().into_with_config().limit(stream::MAX_BODY_BYTES).reader();
        let take = |event: &Value, partial: &mut stream::Partial| self.protocol.take(event, partial);
        let partial = stream::read(body, self.protocol.framing(), take);
        let partial = partial.map_err(|error| Failure { error, again: Again::Never })?;
        // What a provider does not tell is estimated, too high rather than too low.
        let input = partial.input.unwrap_or_else(|| tokens::of(&ask.system) + tokens::of(&ask.prompt));
        let output = partial.output.unwrap_or_else(|| tokens::of(&partial.text));
        Ok(Answer { text: partial.text, usage: Usage { input, output } })
    }
}

impl Model for Client {
    fn name(&self) -> &str {
        &self.settings.model
    }

    fn price(&self) -> Price {
        self.price
    }

    fn ask(&self, ask: &Ask) -> Result<Answer, ModelError> {
        if !self.breaker.lock().admits(self.clock.elapsed()) {
            return Err(ModelError::Open);
        }
        let answer = self.attempts(ask);
        let outcome = match &answer {
            Ok(_) | Err(ModelError::Refused(_)) => Outcome::Answered,
            Err(ModelError::Late | ModelError::Open) if ask.time < PATIENCE => Outcome::Unknown,
            Err(_) => Outcome::Failed,
        };
        self.breaker.lock().note(outcome, self.clock.elapsed());
        answer
    }
}

/// The text within a fence of code, where a model put its answer into one.
pub(crate) fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    inner.and_then(|inner| inner.strip_suffix("```")).map_or(text, str::trim)
}

/// A question that did not arrive may be asked again; of one that may have, nothing is known.
fn unsent(error: &ureq::Error) -> Failure {
    let again = Again::Later;
    match error {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => Failure {
            error: ModelError::Unreachable("it can't be connected to in time".to_owned()),
            again: Again::Never,
        },
        ureq::Error::Timeout(_) => Failure { error: ModelError::Late, again: Again::Never },
        ureq::Error::HostNotFound => {
            Failure { error: ModelError::Unreachable("its host is not found".to_owned()), again }
        }
        ureq::Error::ConnectionFailed => {
            Failure { error: ModelError::Unreachable("it can't be connected to".to_owned()), again }
        }
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            Failure { error: ModelError::Unreachable("it refuses connections".to_owned()), again }
        }
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Failure {
            error: ModelError::Unreachable("its certificate can't be trusted".to_owned()),
            again: Again::Never,
        },
        ureq::Error::Io(io) => Failure { error: ModelError::Broken(io.kind().to_string()), again: Again::Never },
        _ => {
            Failure { error: ModelError::Broken("it does not speak HTTP as expected".to_owned()), again: Again::Never }
        }
    }
}

/// What a status other than 200 means, told by its number and the kind of the error.
fn refused(response: Response<Body>) -> Failure {
    let status = response.status();
    let after = retry_after(response.headers());
    let mut text = String::new();
    // What can't be read tells no more than the status does.
    let _ = response.into_body().into_reader().take(MAX_ERROR_BYTES).read_to_string(&mut text);
    let body: Option<Value> = serde_json::from_str(&text).ok();
    let kind = body.as_ref().and_then(|body| body.get("error")).and_then(stream::kind);
    let told =
        kind.map_or_else(|| format!("HTTP {}", status.as_u16()), |kind| format!("HTTP {}, {kind}", status.as_u16()));
    if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) {
        return Failure { error: ModelError::Unreachable(told), again: after.map_or(Again::Later, Again::After) };
    }
    Failure { error: ModelError::Refused(told), again: Again::Never }
}

/// How long a provider wants to be left alone (RFC 9110, section 10.2.3): seconds, or a date, which is compared with the
/// provider's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = header("retry-after")?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp());
    let seconds = moment(after)?.as_second() - moment(header("date")?)?.as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}
