//! What is over a limit is refused with the status for it, as a problem.

use crate::{Desk, free};
use serde_json::json;
use server::http::Settings;
use server::keys::Access;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::time::Duration;

#[test]
fn bodies_are_read_within_caps() {
    let desk = Desk::with(Settings { max_body_bytes: 4096, ..free() });
    let client = desk.local();
    let long = json!({"text": "x".repeat(5000)}).to_string();
    client.send("POST", "/v1/memories", Some("application/json"), long.as_bytes()).problem(413);
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    client.send("POST", "/v1/memories", Some("application/json"), deep.as_bytes()).problem(400);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"] {
        client.send("POST", "/v1/memories", Some(kind), br#"{"text": "x"}"#).problem(415);
    }
    for body in ["", "{", "{\"text\": \"x\"} {}", "\u{feff}{}", "nul"] {
        client.send("POST", "/v1/memories", Some("application/json"), body.as_bytes()).problem(400);
    }
    client.send("POST", "/v1/memories", Some("application/json"), b"{\"text\": \"\xff\"}").problem(400);
    let kind = Some("application/json; charset=utf-8");
    assert_eq!(client.send("POST", "/v1/memories", kind, br#"{"text": "x"}"#).status, 201);
}

#[test]
fn a_body_of_unknown_length_is_read_within_the_same_cap() {
    let desk = Desk::with(Settings { max_body_bytes: 4096, ..free() });
    let mut stream = TcpStream::connect(desk.address).unwrap();
    let head =
        "POST /v1/memories HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    write!(stream, "{head}Transfer-Encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..5 {
        // The server may have answered already.
        let _ = write!(stream, "400\r\n{}\r\n", " ".repeat(1024));
    }
    let _ = write!(stream, "0\r\n\r\n");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

#[test]
fn a_key_that_asks_too_fast_has_to_wait_and_nobody_else() {
    let few = |n| NonZeroU32::new(n).unwrap();
    let desk = Desk::with(Settings { requests_per_second: few(1), burst: few(5), ..free() });
    let (fast, other) = (desk.client("shop", Access::Read), desk.client("shop", Access::Read));
    let statuses: Vec<_> = (0..20).map(|_| fast.get("/v1/memories").status).collect();
    assert!(statuses.iter().take(5).all(|status| *status == 200), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    let refused = (0..20).map(|_| fast.get("/v1/memories")).find(|answer| answer.status == 429).unwrap();
    refused.problem(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(other.get("/v1/memories").status, 200);
    assert_eq!(desk.local().get("/healthz").status, 200);
}

#[test]
fn what_takes_too_long_or_finds_no_room_is_told_to_come_again() {
    let desk = Desk::with(Settings { deadline: Duration::from_millis(50), ..free() });
    let mut stream = TcpStream::connect(desk.address).unwrap();
    // A body that is announced and never comes.
    let head =
        "POST /v1/memories HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: 10\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    let desk = Desk::with(Settings { max_requests: 0, ..free() });
    let full = desk.local().get("/v1/memories");
    full.problem(503);
    assert_eq!(full.header("retry-after"), "1");
}

#[test]
fn who_sends_no_request_loses_the_connection_and_the_others_get_theirs() {
    let desk = Desk::with(Settings { max_connections: 2, header_timeout: Duration::from_millis(200), ..free() });
    let slow: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut stream = TcpStream::connect(desk.address).unwrap();
            // A head that never ends.
            write!(stream, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n").unwrap();
            stream
        })
        .collect();
    // There is no room for this one before one of the others is given up.
    assert_eq!(desk.local().get("/healthz").status, 200);
    for mut stream in slow {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[test]
fn who_is_silent_after_an_answer_loses_the_connection() {
    let desk = Desk::with(Settings { header_timeout: Duration::from_millis(200), ..free() });
    let mut stream = TcpStream::connect(desk.address).unwrap();
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    // Reads to the end of the connection, which the client does not bring about.
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{\"lives\":true}"), "{answer}");
}

/// Sends a head and some time later the body, and gives the head of the answer.
fn late_body(stream: &mut TcpStream, path: &str, lines: &str, body: &str) -> String {
    write!(stream, "POST {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&answer));
        answer.extend(byte);
    }
    let head = String::from_utf8(answer).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    std::io::copy(&mut stream.take(length.parse().unwrap()), &mut std::io::sink()).unwrap();
    head
}

#[test]
fn a_connection_lives_on_after_an_answer_that_read_no_body() {
    let desk = Desk::with(Settings { require_key: true, max_body_bytes: 4096, ..free() });
    let mut stream = TcpStream::connect(desk.address).unwrap();
    let (length, chunked) = ("Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n");
    let long = format!("Content-Length: {}\r\n", 1 << 16);
    let cases = [
        ("/v1/nothing", length, "{}", "404"),
        ("/v1/memories", length, "{}", "401"),
        ("/healthz", chunked, "2\r\n{}\r\n0\r\n\r\n", "405"),
        ("/v1/memories", &long, &" ".repeat(1 << 16), "413"),
    ];
    for (path, lines, body, status) in cases {
        let head = late_body(&mut stream, path, lines, body);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {head}");
        assert!(!head.contains("connection: close"), "{path}: {head}");
    }
}

#[test]
fn an_answer_that_does_not_wait_for_a_body_says_that_the_connection_closes() {
    let desk = Desk::new();
    for lines in ["Content-Length: 2\r\n", "Content-Length: 2\r\nExpect: 100-continue\r\n"] {
        let mut stream = TcpStream::connect(desk.address).unwrap();
        write!(stream, "POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("connection: close"), "{answer}");
    }
}

#[test]
fn what_is_not_there_is_a_problem_too() {
    let desk = Desk::new();
    for path in ["/v2", "/v1/nothing", "/docs/../etc/passwd", "/%00"] {
        desk.local().get(path).problem(404);
    }
    let refused = desk.local().send("PUT", "/v1/memories", Some("application/json"), b"{}");
    refused.problem(405);
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        assert!(refused.header("allow").contains(method), "{refused:?}");
    }
}

#[test]
fn a_request_keeps_its_name_or_is_given_one() {
    let desk = Desk::new();
    assert_eq!(desk.local().with("X-Request-Id", "mine").get("/healthz").header("x-request-id"), "mine");
    let given = desk.local().get("/nowhere").header("x-request-id").to_owned();
    assert_eq!(given.len(), 36, "{given}");
    let long = desk.local().with("X-Request-Id", &"x".repeat(65)).get("/healthz");
    assert_eq!(long.header("x-request-id").len(), 36);
}
