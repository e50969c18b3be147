//! Clients of language models against a local process that speaks their protocols, well and badly.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use memory::budget::Clock;
use memory::model::{Ask, Model, ModelError, Price, Usage};
use rules::{Class, Correction, State, Understanding};
use serde_json::{Value, json};
use server::model::breaker::Breaker;
use server::model::{Client, Provider, Settings, SettingsError};
use server::proposer::Proposer;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const KEY: &str = "sk-very-secret-0123456789";

#[derive(Debug)]
struct Running(Instant);

impl Clock for Running {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What is answered to one request.
enum Reply {
    /// These bytes.
    Bytes(String),
    /// These bytes, and then nothing until the test is over.
    Stalled(String),
}

/// What a provider was asked: heads and bodies.
type Seen = Vec<(String, Value)>;

/// A provider on loopback: one reply for each connection, in their order.
struct Desk {
    address: String,
    seen: Arc<Mutex<Seen>>,
    over: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Desk {
    fn open(replies: Vec<Reply>) -> Desk {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (over, wait) = mpsc::channel::<()>();
        let kept = seen.clone();
        let thread = thread::spawn(move || {
            for reply in replies {
                let (mut stream, _) = listener.accept().unwrap();
                kept.lock().unwrap().push(request(&stream));
                let (Reply::Bytes(bytes) | Reply::Stalled(bytes)) = &reply;
                // A client may have gone before it was answered.
                let _ = stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush());
                if matches!(reply, Reply::Stalled(_)) {
                    let _ = wait.recv();
                }
            }
        });
        Desk { address, seen, over, thread }
    }

    /// Ends the provider; gives what it was asked. All replies must have been taken.
    fn close(self) -> Seen {
        drop(self.over);
        self.thread.join().unwrap();
        Arc::into_inner(self.seen).unwrap().into_inner().unwrap()
    }
}

fn request(stream: &TcpStream) -> (String, Value) {
    let (mut lines, mut head, mut length) = (BufReader::new(stream), String::new(), 0);
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    (head, serde_json::from_slice(&body).unwrap_or_default())
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn status(line: &str, headers: &str, body: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 {line}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
}

/// A good answer of a provider: "Hello, Ada." for 12 tokens and 5.
fn good(provider: Provider) -> String {
    match provider {
        Provider::OpenAi => concat!(
            ": a comment\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\r\n\r\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hello, \"},\"finish_reason\":null}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"Ada.\"},\"finish_reason\":null}]}\n\n",
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":5}}\n\n",
            "data: [DONE]\n\n",
        ),
        Provider::Anthropic => concat!(
            "event: message_start\n",
            "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n",
            "event: ping\ndata: {\"type\":\"ping\"}\n\n",
            "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello, \"}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Ada.\"}}\n\n",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\n",
            "data: {\"type\":\"message_stop\"}\n\n",
        ),
        Provider::Ollama => concat!(
            "{\"message\":{\"role\":\"assistant\",\"content\":\"Hello, \"},\"done\":false}\n",
            "{\"message\":{\"role\":\"assistant\",\"content\":\"Ada.\"},\"done\":false}\n",
            "{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"prompt_eval_count\":12,\"eval_count\":5}\n",
        ),
    }
    .to_owned()
}

const ALL: [Provider; 3] = [Provider::OpenAi, Provider::Anthropic, Provider::Ollama];

fn client(provider: Provider, address: &str) -> Client {
    let section = format!(
        "provider = \"{}\"\nmodel = \"test\"\nbase_url = \"{address}\"\napi_key_env = \"TEST_KEY\"\nbackoff_ms = 1\n\
         prices = {{ test = [1.0, 2.0] }}",
        provider.name()
    );
    let env = |name: &str| (name == "TEST_KEY").then(|| KEY.to_owned());
    Client::new(Settings::parse(&section).unwrap(), env, Arc::new(Running(Instant::now()))).unwrap()
}

fn question(time: Duration) -> Ask {
    Ask { system: "Be brief.".into(), prompt: "Who is there?".into(), max_tokens: 64, time }
}

const LONG: Duration = Duration::from_secs(30);

/// Asks once a provider that answers so.
fn asked(provider: Provider, replies: Vec<Reply>, time: Duration) -> (Result<(String, Usage), ModelError>, Seen) {
    let desk = Desk::open(replies);
    let client = client(provider, &desk.address);
    let answer = client.ask(&question(time)).map(|answer| (answer.text, answer.usage));
    assert!(!format!("{client:?} {answer:?}").contains("secret"), "a key is shown nowhere");
    (answer, desk.close())
}

#[test]
fn each_protocol_is_spoken() {
    for provider in ALL {
        let (answer, seen) = asked(provider, vec![Reply::Bytes(ok(&good(provider)))], LONG);
        assert_eq!(answer, Ok(("Hello, Ada.".to_owned(), Usage { input: 12, output: 5 })), "{provider:?}");
        let [(head, body)] = seen.as_slice() else { panic!("{seen:?}") };
        let (path, key, cap) = match provider {
            Provider::OpenAi => ("/chat/completions", format!("authorization: Bearer {KEY}"), "/max_tokens"),
            Provider::Anthropic => ("/v1/messages", format!("x-api-key: {KEY}"), "/max_tokens"),
            Provider::Ollama => ("/api/chat", format!("authorization: Bearer {KEY}"), "/options/num_predict"),
        };
        assert!(head.starts_with(&format!("POST {path} HTTP/1.1")), "{head}");
        assert!(head.contains(&key), "{head}");
        assert_eq!((body["model"].clone(), body["stream"].clone()), (json!("test"), json!(true)));
        assert_eq!(body.pointer(cap), Some(&json!(64)));
        let text = body.to_string();
        assert!(text.contains("Be brief.") && text.contains("Who is there?"), "{text}");
    }
}

#[test]
fn a_stream_in_small_chunks_is_the_same_stream() {
    for provider in ALL {
        let chunk = |chunk: &[u8]| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk));
        let chunks = good(provider).as_bytes().chunks(7).map(chunk).collect::<Vec<_>>().concat();
        let reply = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
        let (answer, _) = asked(provider, vec![Reply::Bytes(reply)], LONG);
        assert_eq!(answer.unwrap().0, "Hello, Ada.");
    }
}

#[test]
fn who_is_busy_is_asked_again() {
    for provider in ALL {
        let busy = [
            status("429 Too Many Requests", "retry-after: 0\r\n", "{}"),
            status("503 Service Unavailable", "", "not even json"),
        ];
        let replies = busy.into_iter().chain([Reply::Bytes(ok(&good(provider)))]).collect();
        let (answer, seen) = asked(provider, replies, LONG);
        assert_eq!((answer.unwrap().0.as_str(), seen.len()), ("Hello, Ada.", 3));
    }
}

#[test]
fn a_wait_beyond_the_deadline_is_not_begun() {
    let long = [
        "retry-after: 3600\r\n",
        "date: Mon, 08 May 2023 10:00:00 GMT\r\nretry-after: Mon, 08 May 2023 11:00:00 GMT\r\n",
    ];
    for headers in long {
        let body = r#"{"error":{"type":"rate_limit_error","message":"slow down"}}"#;
        let (answer, seen) = asked(Provider::Anthropic, vec![status("429 Too Many Requests", headers, body)], LONG);
        assert_eq!(answer, Err(ModelError::Unreachable("HTTP 429, rate_limit_error".into())));
        assert_eq!(seen.len(), 1);
    }
}

#[test]
fn attempts_come_to_an_end() {
    let replies = (0..3).map(|_| status("500 Internal Server Error", "", "{}")).collect();
    let (answer, seen) = asked(Provider::OpenAi, replies, LONG);
    assert_eq!((answer, seen.len()), (Err(ModelError::Unreachable("HTTP 500".into())), 3));
}

#[test]
fn refusals_are_final_and_name_no_key() {
    let cases = [
        (
            "401 Unauthorized",
            "",
            format!(r#"{{"error":{{"code":"invalid_api_key","message":"wrong: {KEY}"}}}}"#),
            "HTTP 401, invalid_api_key",
        ),
        ("400 Bad Request", "", format!(r#"{{"error":{{"code":"{KEY}","type":"{KEY}"}}}}"#), "HTTP 400"),
        ("404 Not Found", "", format!(r#"{{"error":"no model {KEY}"}}"#), "HTTP 404"),
        ("302 Found", "location: http://127.0.0.1:1/\r\n", String::new(), "HTTP 302"),
        ("307 Temporary Redirect", "location: http://127.0.0.1:1/\r\n", String::new(), "HTTP 307"),
    ];
    for (line, headers, body, told) in cases {
        let (answer, seen) = asked(Provider::OpenAi, vec![status(line, headers, &body)], LONG);
        assert_eq!((answer, seen.len()), (Err(ModelError::Refused(told.into())), 1), "{line}");
    }
}

#[test]
fn a_stream_that_breaks_off_is_no_answer_and_not_asked_for_again() {
    for provider in ALL {
        let whole = good(provider);
        let cut = whole.split_inclusive('\n').take(whole.lines().count() / 2).collect::<String>();
        let garbage = format!("{cut}\ndata: {{\"choices\": oops\n\n{{oops\n");
        let error = match provider {
            Provider::Ollama => "{\"error\":\"out of memory\"}\n".to_owned(),
            _ => {
                "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n".to_owned()
            }
        };
        let endless = format!("data: {}", "x".repeat(2 << 20));
        for body in [cut.clone(), garbage, error, endless, String::new(), "<html>a proxy</html>".to_owned()] {
            let (answer, seen) = asked(provider, vec![Reply::Bytes(ok(&body))], LONG);
            assert!(matches!(answer, Err(ModelError::Broken(_))), "{provider:?} {answer:?}");
            assert_eq!(seen.len(), 1);
        }
        // The length that was promised does not come.
        let short = ok(&whole).replace("content-length: ", "content-length: 9").replace("[DONE]", "{}");
        let short: String = short.chars().take(short.len() / 2).collect();
        let (answer, _) = asked(provider, vec![Reply::Bytes(short)], LONG);
        assert!(matches!(answer, Err(ModelError::Broken(_))), "{provider:?} {answer:?}");
    }
}

#[test]
fn the_deadline_holds_before_and_within_the_stream() {
    let short = Duration::from_millis(400);
    for provider in ALL {
        let begun = ok(&good(provider)).replace("[DONE]", "");
        let half: String = begun.chars().take(begun.len() - 40).collect();
        for silent in [String::new(), half] {
            let (answer, _) = asked(provider, vec![Reply::Stalled(silent)], short);
            assert_eq!(answer, Err(ModelError::Late), "{provider:?}");
        }
    }
}

#[test]
fn usage_that_is_not_told_is_estimated_and_what_is_told_is_passed_on() {
    let body =
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (answer, _) = asked(Provider::OpenAi, vec![Reply::Bytes(ok(body))], LONG);
    let usage = answer.unwrap().1;
    assert!(usage.input >= 6 && usage.output >= 1, "{usage:?}");
    let wrong = good(Provider::OpenAi).replace("12,", "999999999,");
    let (answer, _) = asked(Provider::OpenAi, vec![Reply::Bytes(ok(&wrong))], LONG);
    assert_eq!(answer.unwrap().1, Usage { input: 999_999_999, output: 5 });
}

#[test]
fn who_failed_often_is_left_alone() {
    let desk = Desk::open((0..15).map(|_| status("500 Internal Server Error", "", "{}")).collect());
    let client = client(Provider::OpenAi, &desk.address);
    for _ in 0..5 {
        assert_eq!(client.ask(&question(LONG)).unwrap_err(), ModelError::Unreachable("HTTP 500".into()));
    }
    assert!(matches!(client.circuit(), Breaker::Open { .. }));
    assert_eq!(client.ask(&question(LONG)).unwrap_err(), ModelError::Open);
    assert_eq!(desk.close().len(), 15);
}

#[test]
fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let answer = client(Provider::Ollama, &address).ask(&question(LONG));
    assert!(matches!(answer, Err(ModelError::Unreachable(_))), "{answer:?}");
}

#[test]
fn settings_say_what_is_missing() {
    let made = |section: &str, key: Option<&str>| {
        let clock = Arc::new(Running(Instant::now()));
        Settings::parse(section).and_then(|settings| Client::new(settings, |_| key.map(str::to_owned), clock))
    };
    let error = |section: &str, key: Option<&str>| made(section, key).map(drop).unwrap_err();
    let openai = "provider = \"openai\"\nmodel = \"gpt-4o-mini\"\n";
    assert_eq!(made(openai, Some(KEY)).unwrap().price(), Price { input: 150, output: 600 });
    assert_eq!(error(openai, None), SettingsError::NoKey("OPENAI_API_KEY".into()));
    assert_eq!(made("provider = \"ollama\"\nmodel = \"llama3\"", None).unwrap().price(), Price::default());
    assert_eq!(error("provider = \"openai\"\nmodel = \"x\"", Some(KEY)), SettingsError::NoPrice("x".into()));
    for local in ["http://localhost:8080/v1", "http://127.0.0.1:8080", "http://[::1]:8080/v1"] {
        assert!(made(&format!("{openai}base_url = \"{local}\"\napi_key_env = \"K\""), Some(KEY)).is_ok(), "{local}");
    }
    for open in ["http://example.com/v1", "http://localhost.example.com", "http://127.0.0.1.example.com:80/"] {
        let error = error(&format!("{openai}base_url = \"{open}\"\napi_key_env = \"K\""), Some(KEY));
        assert!(matches!(error, SettingsError::Unencrypted { .. }), "{open}: {error:?}");
    }
    for none in ["ftp://example.com", "example.com", "https://", "http://127.0.0.1@example.com/"] {
        let error = error(&format!("{openai}base_url = \"{none}\"\napi_key_env = \"K\""), Some(KEY));
        assert!(matches!(error, SettingsError::Address(_)), "{none}: {error:?}");
    }
    for unreadable in
        ["provider = \"x\"\nmodel = \"x\"", "model = \"x\"", "provider = \"openai\"\nmodel = \"x\"\napi_key = \"sk-1\""]
    {
        assert!(matches!(error(unreadable, None), SettingsError::Unreadable(_)), "{unreadable}");
    }
}

/// The same answer with another text.
fn saying(provider: Provider, text: &str) -> Reply {
    let escaped = json!(text).to_string();
    let escaped = escaped.trim_matches('"');
    Reply::Bytes(ok(&good(provider).replace("Hello, ", "").replace("Ada.", escaped)))
}

/// What a model proposes of "the bundle stays slim, so forget about moment", with one thing changed.
fn proposal(change: impl Fn(&mut Value)) -> String {
    let event = |command: &str| json!({ "event": "pre_tool_use", "tool": "Bash", "input": { "command": command } });
    let mut rule = json!({
        "quote": "forget about moment",
        "id": "no-moment",
        "title": "never install moment",
        "decided_by": "check",
        "check": { "pattern": "absence", "never": { "command": "npm install|i|add moment" } },
        "examples": [
            { "violates": true, "events": [event("npm install moment")] },
            { "violates": false, "events": [event("npm install dayjs")] },
        ],
    });
    change(&mut rule);
    json!({ "rules": [rule] }).to_string()
}

#[test]
fn what_a_model_proposes_is_tried_like_what_anybody_does() {
    let correction = Correction::of(
        "the bundle stays slim, so forget about moment. The key is sk-proj-abcdefghijklmnop0123456789ABCDEFGH",
    );
    let nothing = || Understanding {
        class: Class::NotACorrection,
        evidence: Vec::new(),
        rules: Vec::new(),
        why: "nothing".to_owned(),
    };
    let cases: [(String, usize, &str); 7] = [
        (proposal(|_| {}), 1, "1 rules were taken (12 tokens in, 5 out, $0.0000)"),
        (format!("```json\n{}\n```", proposal(|_| {})), 1, "1 rules were taken"),
        (proposal(|rule| rule["quote"] = json!("never use moment")), 0, "its quote is no part of the message"),
        (proposal(|rule| rule["check"]["never"] = json!({ "reply": { "matches": "(" } })), 0, "does not compile"),
        (proposal(|rule| rule["check"]["never"] = json!({ "command": "yarn" })), 0, "fails its own examples"),
        (proposal(|rule| rule["examples"] = json!([])), 0, "fails its own examples"),
        ("I would rather not.".to_owned(), 0, "is not the JSON that was asked for"),
    ];
    for provider in ALL {
        for (answer, taken, told) in &cases {
            let desk = Desk::open(vec![saying(provider, answer)]);
            let proposer = Proposer::new(Arc::new(client(provider, &desk.address)));
            let understood = proposer.complete(&correction, nothing());
            assert_eq!(understood.rules.len(), *taken, "{answer}: {}", proposer.told());
            assert!(proposer.told().contains(told), "{answer}: {}", proposer.told());
            let expected = if *taken > 0 { Class::Durable } else { Class::NotACorrection };
            assert_eq!((understood.class, understood.evidence.len()), (expected, *taken));
            assert!(understood.rules.iter().all(|rule| rule.state == State::Proposed && rule.confidence == Some(0.5)));
            let seen = desk.close();
            let body = seen[0].1.to_string();
            assert!(body.contains("forget about moment") && body.contains("bounded_existence"), "words and schema");
            assert!(!body.contains("sk-proj-abc"), "secrets stay here");
        }
    }
}

#[test]
fn a_model_that_fails_or_is_not_needed_changes_nothing() {
    let correction = Correction::of("never use npm here, use pnpm");
    let known = rules::understand(&correction, rules::Lexicon::builtin());
    let nobody = Proposer::new(Arc::new(client(Provider::OpenAi, "http://127.0.0.1:9")));
    assert_eq!(nobody.complete(&correction, known.clone()), known);
    assert!(nobody.told().contains("asked 0 times"), "a check needs no model: {}", nobody.told());
    let open = Understanding { class: Class::OneOff, evidence: Vec::new(), rules: Vec::new(), why: String::new() };
    assert_eq!(nobody.complete(&correction, open.clone()), open);
    assert!(nobody.told().contains("1 × the model could not be asked"), "{}", nobody.told());
}
