//! `trace serve` and `trace keys`: the service of a workspace, begun and ended from a terminal.

use crate::desk::Desk;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

/// A server of a workspace, and what it told when it listened.
fn serving(desk: &Desk, more: &str) -> (Child, Value) {
    let line = format!("exec trace serve --port 0 --format json {more}");
    let mut server = desk.shell(&line).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut told).unwrap();
    (server, serde_json::from_str(&told).unwrap())
}

/// The one line of JSON that a command prints.
fn one(desk: &Desk, line: &str) -> Value {
    serde_json::from_str(&desk.sure(line)).unwrap()
}

fn asked(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{request}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_tells_where_it_is_and_ends_in_order() {
    let desk = Desk::new();
    let (mut server, told) = serving(&desk, "");
    let address = told["address"].as_str().unwrap();
    assert_eq!(
        (told["url"].as_str().unwrap(), &told["needs_key"]),
        (&*format!("http://{address}"), &Value::Bool(false))
    );
    assert!(desk.path(".trace/state.db").exists(), "the workspace is made");
    let body = r#"{"text": "prefers pnpm"}"#;
    let head =
        "POST /v1/memories HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let added = asked(address, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
    assert!(added.starts_with("HTTP/1.1 201 "), "{added}");
    desk.sure(&format!("kill -TERM {}", server.id()));
    assert!(server.wait().unwrap().success(), "an orderly end is no failure");
    desk.sure("trace verify-log .trace/state.db");
    let (mut again, told) = serving(&desk, "--require-key");
    let list = "GET /v1/memories HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let address = told["address"].as_str().unwrap();
    assert!(asked(address, &format!("{list}\r\n")).starts_with("HTTP/1.1 401 "));
    let key = desk.sure("trace keys create desk");
    let found = asked(address, &format!("{list}Authorization: Bearer {}\r\n\r\n", key.trim()));
    assert!(found.contains("prefers pnpm"), "{found}");
    desk.sure(&format!("kill -INT {}", again.id()));
    assert!(again.wait().unwrap().success());
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let desk = Desk::new();
    assert!(desk.run("trace keys list").stderr.contains("trace keys create"));
    let made = one(&desk, "trace keys create ci --tenant shop --access read --days 1 --format json");
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(key.starts_with(&format!("tr_{id}_")));
    let listed = one(&desk, "trace keys list --format json");
    assert_eq!(
        (&listed["state"], &listed["tenant"], &listed["access"]),
        (&"live".into(), &"shop".into(), &"read".into())
    );
    assert!(listed.get("key").is_none() && listed.get("hash").is_none(), "{listed}");
    desk.sure(&format!("trace keys revoke {id}"));
    assert_eq!(one(&desk, "trace keys list --format json")["state"], "revoked");
    for (line, says) in [
        ("trace keys revoke 0123456789abcdef", "there is no key"),
        ("trace keys revoke nonsense", "16 hexadecimal digits"),
        ("trace keys create ci --tenant Shop", "not the name of a tenant"),
        ("trace keys create ''", "not the name of a key"),
    ] {
        let run = desk.run(line);
        assert!(run.code == 2 && run.stderr.contains(says), "{line}: {}", run.stderr);
    }
}

#[test]
fn what_can_not_be_served_is_told_with_what_to_do() {
    let desk = Desk::new();
    let run = desk.run("trace serve --listen 0.0.0.0:0");
    assert!(run.code == 2 && run.stderr.contains("trace keys create"), "{}", run.stderr);
    let desk = desk.with(".trace/config.toml", "[server]\nport = 3\n");
    let run = desk.run("trace serve --port 0");
    assert!(run.code == 2 && run.stderr.contains("line 2") && run.stderr.contains("port"), "{}", run.stderr);
}
