//! `trace serve` as a whole process: how long it takes to start, and what it answers in a second.
//!
//! `cargo build --release && cargo bench -p cli --bench serve`

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints"
)]

#[path = "../tests/service/process.rs"]
mod process;

use process::{Client, Server};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const STARTS: usize = 20;
const TIME: Duration = Duration::from_secs(5);
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn main() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/trace");
    let folder = tempfile::tempdir().unwrap();
    println!("| records | cold start, ms | operation | clients | per second | p50 ms | p99 ms | peak MiB |");
    println!("|---|---|---|---|---|---|---|---|");
    for size in SIZES {
        let data = folder.path().join(size.to_string());
        fill(&program, &data, size);
        let start = cold_start(&program, &data);
        for (name, clients) in
            [("get", 1), ("get", 32), ("search", 1), ("search", 32), ("recall", 32), ("add", 1), ("add", 32)]
        {
            let server = Server::start(&program, &data, &[]);
            let (per_second, p50, p99) = asked(&server, name, clients, size);
            let peak = server.memory_mib().map_or(0, |(peak, _)| peak);
            println!("| {size} | {start:.0} | {name} | {clients} | {per_second:.0} | {p50:.2} | {p99:.2} | {peak} |");
        }
    }
}

fn text(number: usize) -> String {
    format!("fact {number}: topic{} met place{} with colour{}", number % 997, number % 89, number % 13)
}

fn fill(program: &Path, data: &Path, size: usize) {
    let server = Server::start(program, data, &[]);
    let client = Client::of(&server);
    let numbers: Vec<usize> = (0..size).collect();
    for batch in numbers.chunks(500) {
        let memories: Vec<Value> =
            batch.iter().map(|number| json!({"text": text(*number), "user_id": "ana"})).collect();
        let (status, answer) = client.ask("POST", "/v1/memories", Some(&json!({"memories": memories}))).unwrap();
        assert!(status < 300, "{status} {answer}");
    }
    // The first search brings the index up to date, so that a start has nothing left to do.
    client.search("topic1", "ana").unwrap();
}

/// The median time from the start of the process to its first answer.
fn cold_start(program: &Path, data: &Path) -> f64 {
    let mut times: Vec<f64> = (0..STARTS)
        .map(|_| {
            let begun = Instant::now();
            let server = Server::start(program, data, &[]);
            assert_eq!(Client::of(&server).ask("GET", "/readyz", None).unwrap().0, 200);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn asked(server: &Server, name: &str, clients: usize, size: usize) -> (f64, f64, f64) {
    let some = Client::of(server).add("a fact to read again and again", "ana").unwrap();
    let (laps, begun) = (Mutex::new(Vec::new()), Instant::now());
    std::thread::scope(|scope| {
        for worker in 0..clients {
            let (client, laps, some) = (Client::of(server), &laps, &some);
            scope.spawn(move || {
                let mut own = Vec::new();
                for turn in 0.. {
                    if begun.elapsed() > TIME {
                        break;
                    }
                    let number = worker * 7919 + turn * 31;
                    let lap = Instant::now();
                    ask(&client, name, number, size, some);
                    own.push(lap.elapsed().as_secs_f64() * 1e3);
                }
                laps.lock().unwrap().extend(own);
            });
        }
    });
    let took = begun.elapsed().as_secs_f64();
    let mut laps = laps.into_inner().unwrap();
    laps.sort_by(f64::total_cmp);
    let at = |share: usize| laps[(laps.len() - 1) * share / 100];
    #[expect(clippy::cast_precision_loss, reason = "for showing")]
    (laps.len() as f64 / took, at(50), at(99))
}

fn ask(client: &Client, name: &str, number: usize, size: usize, some: &str) {
    let about = format!("topic{} place{}", number % 997, number % 89);
    match name {
        "get" => assert_eq!(client.ask("GET", &format!("/v1/memories/{some}"), None).unwrap().0, 200),
        "search" => assert!(!client.search(&about, "ana").unwrap().is_empty()),
        "recall" => {
            let body = json!({"query": about, "filter": {"user_id": "ana"}, "budget": {"tokens": 400}});
            assert_eq!(client.ask("POST", "/v1/recall", Some(&body)).unwrap().0, 200);
        }
        _ => {
            client
                .add(&format!("{} again {number} {:?}", text(number % size), std::thread::current().id()), "ana")
                .unwrap();
        }
    }
}
