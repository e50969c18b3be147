//! How a server would listen, or listens, and the keys that open it.

use super::{Finding, Part, told};
use crate::http::Settings;
use crate::keys::Keys;
use consistency::Millis;
use consistency::store::Store;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;
use ureq::Agent;

/// A key that ends within this time, in milliseconds, is told of.
const SOON_MS: Millis = 7 * 24 * 3600 * 1000;
/// How long a server may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks at the keys; tells how many open the server.
pub(super) fn keys(store: &Store, now: Millis, tell: &mut dyn FnMut(Finding)) -> usize {
    let keys = match Keys::of(store).list() {
        Ok(keys) => keys,
        Err(error) => {
            tell(told(Part::Keys, &error, "`trace keys list` names it"));
            return 0;
        }
    };
    let live = keys.iter().filter(|key| key.is_live(now)).count();
    tell(Finding::well(Part::Keys, format!("{live} of {} keys open the server", keys.len())));
    for key in keys.iter().filter(|key| key.revoked_at.is_none()) {
        let help = format!("`trace keys revoke {}`, and create another one where it is needed", key.id);
        match key.expires_at {
            Some(end) if end <= now => {
                tell(Finding::look(
                    Part::Keys,
                    format!("the key `{}` of `{}` has expired", key.name, key.tenant),
                    help,
                ));
            }
            Some(end) if end - now <= SOON_MS => {
                let what = format!("the key `{}` of `{}` expires within a week", key.name, key.tenant);
                tell(Finding::look(Part::Keys, what, help));
            }
            _ => {}
        }
    }
    live
}

pub(super) fn server(settings: &Settings, keys: usize) -> Finding {
    let address = settings.address;
    if !address.ip().is_loopback() && keys == 0 {
        let what = format!("refuses to listen at {address}: other machines could ask, and there is no key");
        return Finding::broken(
            Part::Server,
            what,
            "`trace keys create NAME` makes one; `trace serve --listen 127.0.0.1:8787` needs none",
        );
    }
    let place = match listening(address) {
        Listening::Nobody => format!("would listen at {address}"),
        Listening::Trace(version) => format!("trace {version} listens at {address}"),
        Listening::Other => {
            let what = format!("another program listens at {address}");
            return Finding::look(
                Part::Server,
                what,
                "end it, or set another port: `trace serve --port 0` takes a free one",
            );
        }
    };
    match (settings.needs_key(), keys) {
        (false, _) => Finding::well(Part::Server, format!("{place}, where no key is needed")),
        (true, 0) => {
            let what = format!("{place}, where everybody needs a key, and there is none");
            Finding::look(Part::Server, what, "`trace keys create NAME` makes one")
        }
        (true, 1) => Finding::well(Part::Server, format!("{place}, for one key")),
        (true, _) => Finding::well(Part::Server, format!("{place}, for {keys} keys")),
    }
}

/// Who listens at an address.
enum Listening {
    Nobody,
    /// A server of ours, with its version.
    Trace(String),
    Other,
}

/// Asks whoever listens at an address of this machine what it is.
fn listening(address: SocketAddr) -> Listening {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(ip, address.port());
    // At port 0 a server takes one that is free.
    if address.port() == 0 || TcpStream::connect_timeout(&address, PATIENCE).is_err() {
        return Listening::Nobody;
    }
    let agent: Agent = Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None).build().into();
    let about = || {
        let mut answer = agent.get(format!("http://{address}/v1/version")).call().ok()?;
        let about: serde_json::Value = serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()?;
        (about.get("name")? == "trace").then(|| about.get("version")?.as_str().map(str::to_owned))?
    };
    about().map_or(Listening::Other, Listening::Trace)
}
