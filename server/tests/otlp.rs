//! Spans reach a collector. Run by `cargo test -p server --features otlp --test otlp`: the feature is off by default, and its
//! dependencies are not built for the other tests.

use server::observe::{Settings, begin};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

#[test]
fn a_span_reaches_the_collector_that_is_named() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let collector = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let received = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        (first, String::from_utf8_lossy(&body).into_owned())
    });
    let settings = Settings { collector: Some(collector), filter: Some("warn".to_owned()), ..Settings::default() };
    let telling = begin(&settings).unwrap();
    tracing::info_span!("request", route = "/v1/memories/{id}").in_scope(|| {});
    drop(telling);
    let (first, body) = received.join().unwrap();
    assert!(first.starts_with("POST /v1/traces "), "{first}");
    assert!(body.contains("request") && body.contains("/v1/memories/{id}") && body.contains("trace"), "{body}");
}
