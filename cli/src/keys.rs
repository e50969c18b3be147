//! `trace keys`: who may reach which data over HTTP.

use crate::output::{self, PlainFormat};
use crate::state::rows::{self, Row};
use crate::{End, engine};
use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use consistency::Millis;
use consistency::store::Store;
use memory::Tenant;
use serde::Serialize;
use server::keys::{Access, Key, KeyId, Keys, NewKey};
use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Make, list and revoke the keys of `trace serve`
///
/// A key belongs to one tenant: what is done with it reaches that tenant's memories and state, and nobody else's. It is shown
/// once; what is kept is a hash.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace keys create desk                          reads and writes what `trace memory` and `trace state` see
  trace keys create ci --tenant shop --access read --days 30
  trace keys list
  trace keys revoke 1f2e3d4c5b6a7988              it opens nothing from now on, in any process

Exit codes: 0 done, 2 could not run.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The folder of the store [default: `.trace`]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How to print
    #[arg(long, global = true, value_enum, default_value_t)]
    format: PlainFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Create),
    /// List all keys, revoked ones too
    #[command(after_help = "Example: trace keys list")]
    List,
    Revoke(Revoke),
}

/// Make a key, and show it once
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: trace keys create desk --tenant shop --access write")]
struct Create {
    /// What it is called: written down as the author of what is done with it
    name: String,
    /// Whose data it reaches: 1 to 64 of `a`–`z`, `0`–`9`, `-` and `_`
    #[arg(long, value_name = "NAME", default_value = Tenant::LOCAL)]
    tenant: String,
    /// How far it reaches
    #[arg(long, value_enum, default_value_t = Reach::Write)]
    access: Reach,
    /// After how many days it opens nothing any more [default: never]
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
}

/// Revoke a key: it opens nothing from now on
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: trace keys revoke 1f2e3d4c5b6a7988")]
struct Revoke {
    /// Its id, as `trace keys list` shows it
    id: KeyId,
}

/// How far a key reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reach {
    /// Reading and searching.
    Read,
    /// Writing too.
    Write,
    /// What concerns the whole server too, such as its audit log.
    Admin,
}

impl From<Reach> for Access {
    fn from(reach: Reach) -> Access {
        match reach {
            Reach::Read => Access::Read,
            Reach::Write => Access::Write,
            Reach::Admin => Access::Admin,
        }
    }
}

/// A key as it is shown; never its hash.
#[derive(Debug, Serialize)]
struct Shown<'k> {
    id: &'k KeyId,
    name: &'k str,
    tenant: &'k str,
    access: Access,
    state: &'static str,
    created_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'k str>,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: Arguments) -> Result<End> {
    let Arguments { command, data, format } = arguments;
    let path = match data {
        Some(data) => data.join("state.db"),
        None => engine(root)?.state(),
    };
    let makes = matches!(command, Command::Create(_));
    if !makes && !path.try_exists().with_context(|| format!("cannot read `{}`", path.display()))? {
        bail!("there is no store at `{}`\nhelp: `trace keys create NAME` makes one", path.display());
    }
    if let Some(folder) = path.parent().filter(|_| makes) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let keys = Keys::of(&Store::open(&path)?);
    let mut out = output::out();
    match command {
        Command::Create(create) => create.run(&keys, &mut out, format)?,
        Command::List => {
            let keys = keys.list()?;
            let keys: Vec<_> = keys.iter().map(|key| shown(key, None)).collect();
            rows::list(&mut out, format, &keys)?;
        }
        Command::Revoke(Revoke { id }) => {
            let key = keys.revoke("terminal", &id)?;
            match format {
                PlainFormat::Json => output::json(&mut out, &shown(&key, None))?,
                PlainFormat::Table => writeln!(out, "revoked {id} ({})", output::shown(&key.name))?,
            }
        }
    }
    out.flush()?;
    Ok(End::Clean)
}

impl Create {
    fn run(self, keys: &Keys, out: &mut dyn Write, format: PlainFormat) -> Result<()> {
        const DAY: Millis = 24 * 60 * 60 * 1000;
        let tenant = Tenant::new(&self.tenant)?;
        let expires_at = self.days.map(|days| now() + Millis::from(days) * DAY);
        let NewKey { key, secret } = keys.create("terminal", &tenant, &self.name, self.access.into(), expires_at)?;
        if format == PlainFormat::Json {
            return output::json(out, &shown(&key, Some(&secret)));
        }
        writeln!(out, "{secret}")?;
        out.flush()?;
        output::note("this is the only time the key is shown; clients send it as `Authorization: Bearer KEY`");
        Ok(())
    }
}

impl Row for Shown<'_> {
    const NOUN: &'static str = "key";
    const HEADER: &'static [&'static str] = &["id", "name", "tenant", "access", "state"];

    fn columns(&self) -> Vec<String> {
        let Shown { id, name, tenant, access, state, .. } = self;
        vec![id.to_string(), (*name).to_owned(), (*tenant).to_owned(), access.to_string(), (*state).to_owned()]
    }
}

fn shown<'k>(key: &'k Key, secret: Option<&'k str>) -> Shown<'k> {
    let state = match key {
        key if key.is_live(now()) => "live",
        Key { revoked_at: Some(_), .. } => "revoked",
        _ => "expired",
    };
    let Key { id, name, tenant, access, created_at, expires_at, .. } = key;
    let (access, created_at, expires_at) = (*access, *created_at, *expires_at);
    Shown { id, name, tenant, access, state, created_at, expires_at, key: secret }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}
