//! `trace verify`: what a run of one model looks like. All models are run by the tests of `verification`.

use crate::desk::Desk;
use serde_json::json;

#[test]
fn a_model_and_its_mutants_are_told_to_scripts() {
    let records = Desk::new().records("trace verify --model forgery --threads 1");
    let [model, mutant] = records.as_slice() else { panic!("a model and a mutant: {records:?}") };
    assert_eq!((&model["kind"], &model["model"]), (&json!("model"), &json!("forgery")));
    assert_eq!((&model["complete"], &model["unexpected"]), (&json!(true), &json!([])));
    assert!(model["states"].as_u64().unwrap() > 1000 && model["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!((&mutant["guard"], &mutant["promise"]), (&json!("Forgery"), &json!("no stale generation")));
    insta::assert_snapshot!(serde_json::to_string_pretty(&mutant["story"]).unwrap());
}

#[test]
fn a_model_is_told_to_people() {
    let run = Desk::new().run("trace verify --model idempotency");
    let lines: Vec<&str> = run.stdout.lines().map(str::trim).collect();
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(lines.iter().any(|line| line.starts_with("idempotency   L1      2a 1k 4t   1,204")), "{}", run.stdout);
    assert!(lines.contains(&"mutants caught: 1 of 1") && lines.contains(&"all as expected"), "{}", run.stdout);
}

#[test]
fn a_level_tells_what_it_excludes() {
    let stdout = Desk::new().sure("trace verify --model ladder-l4");
    assert_eq!(stdout.matches("excluded").count(), 4, "{stdout}");
}

#[test]
fn what_cannot_run_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let desk = Desk::new();
    let unknown = desk.run("trace verify --model nope");
    assert!(unknown.code == 2 && unknown.stderr.contains("no model is called `nope`; there are: l0, l1,"));
    let run = desk.run(&format!("trace verify --explore l1 --port {port}"));
    assert!(run.code == 2 && run.stderr.contains("cannot listen at 127.0.0.1:"), "{}", run.stderr);
    assert_eq!(desk.run("trace verify --long --model l1").code, 2);
}
