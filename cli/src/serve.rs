//! `trace serve`: the service of this workspace over HTTP.

use crate::End;
use crate::configured::{Configured, variable};
use crate::output::{self, PlainFormat};
use anyhow::Result;
use serde::Serialize;
use server::follower::Follower;
use server::http::Settings;
use server::http::serve::Server;
use server::observe;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Serve memories, rules and shared state over HTTP
///
/// On this machine no key is needed, and nobody else is listened to. For others, make a key first (`trace keys create`) and
/// then listen at another address: from then on everybody needs one. What holds until it is told otherwise stands in
/// `.trace/config.toml`; what is said here comes first, then the environment, then that file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace serve                                     on this machine, at port 8787
  trace serve --port 0 --format json              at a port that is free; one line of JSON says which
  trace serve --listen 0.0.0.0:8787 --allow-host memory.example

Stops at an interrupt (Ctrl-C) or SIGTERM: what runs is finished first.
Exit codes: 0 stopped, 2 could not run.")]
pub(crate) struct Arguments {
    /// Where to listen [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The port to listen at; 0 takes one that is free
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Ask everybody for a key, also on this machine
    #[arg(long)]
    require_key: bool,
    /// Another name by which this server is reached; may be given more than once
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Pages that may ask this server, as in `https://desk.example`; may be given more than once
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// The folder of the store and its indexes [default: `.trace`]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

/// What is told once the server listens.
#[derive(Debug, Serialize)]
struct Listening {
    address: SocketAddr,
    url: String,
    data: PathBuf,
    needs_key: bool,
    embedding: String,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: Arguments) -> Result<End> {
    let configured = Configured::read(root)?;
    configured.engine.create()?;
    let data = arguments.data.clone().unwrap_or_else(|| folder_of(&configured.engine.state()));
    let format = arguments.format;
    let settings = arguments.over(configured.config.server.clone().settings());
    let needs_key = settings.needs_key();
    let (service, embedding) = configured.open(&data.join("state.db"))?;
    let service = Arc::new(service);
    let server = Server::bind(service.clone(), settings)?;
    let telling = observe::begin(&observe::Settings {
        filter: variable("TRACE_LOG").or(Some("warn".to_owned())),
        #[cfg(feature = "otlp")]
        collector: variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").filter(|collector| !collector.is_empty()),
        ..observe::Settings::default()
    })?;
    let follower = Follower::start(service.clone())?;
    let address = server.address();
    let listening = Listening { address, url: format!("http://{address}"), data, needs_key, embedding };
    tell(&listening, format)?;
    server.run()?;
    drop((follower, telling));
    // What was written is found at once when the service starts again.
    service.index().follow()?;
    Ok(End::Clean)
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().map(Path::to_owned).unwrap_or_default()
}

impl Arguments {
    /// The settings with what was said on the command line on top.
    fn over(self, settings: Settings) -> Settings {
        let mut address = self.listen.unwrap_or(settings.address);
        address.set_port(self.port.unwrap_or(address.port()));
        let or = |said: Vec<String>, settings: Vec<String>| if said.is_empty() { settings } else { said };
        Settings {
            address,
            require_key: self.require_key || settings.require_key,
            allow_hosts: or(self.allow_host, settings.allow_hosts),
            allow_origins: or(self.allow_origin, settings.allow_origins),
            ..settings
        }
    }
}

fn tell(listening: &Listening, format: PlainFormat) -> Result<()> {
    let mut out = output::out();
    if format == PlainFormat::Json {
        output::json(&mut out, listening)?;
        return Ok(out.flush()?);
    }
    let Listening { url, data, needs_key, embedding, .. } = listening;
    let key = if *needs_key { " -H \"Authorization: Bearer $TRACE_KEY\"" } else { "" };
    writeln!(out, "listening at {url} (documentation: {url}/docs)")?;
    writeln!(out, "data in {}", output::shown(&data.display().to_string()))?;
    writeln!(out, "{embedding}")?;
    writeln!(out, "try: curl{key} --json '{{\"text\": \"prefers pnpm over npm\"}}' {url}/v1/memories")?;
    Ok(out.flush()?)
}
