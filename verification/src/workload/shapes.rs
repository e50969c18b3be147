//! The shapes, each as data with a judge of its own.
//!
//! What a task makes of what it saw is a function, as an agent's generation would be; everything else is a list.

use super::{Anomaly, Deed, End, Judged, Random, Seen, Shape, Step, Task, Then};
use consistency::Level;
use serde_json::{Value as Json, json};

/// Makes a shape; chance may choose what its agents touch.
pub type Make = fn(u64) -> Shape;

/// All shapes, by name.
pub const SHAPES: &[(&str, Make)] = &[
    ("edit-review", edit_review),
    ("plan-execute", plan_execute),
    ("plan-execute-revise", plan_execute_revise),
    ("triage", triage),
    ("triage without writes", triage_without_writes),
    ("shared workspace", shared_workspace),
    ("shared document", shared_document),
    ("fan-out-merge", fan_out_merge),
    ("fan-in, 2 writers", |_| fan_in(2)),
    ("fan-in, 4 writers", |_| fan_in(4)),
    ("fan-in, 8 writers", |_| fan_in(8)),
    ("fan-in, 16 writers", |_| fan_in(16)),
    ("append, 4 writers × 6 rounds", append),
    ("append by rewriting, 4 × 6", append_by_rewriting),
    ("scan-then-insert", scan_then_insert),
    ("write skew", write_skew),
    ("transfers", transfers),
    ("a long planner among short writers", long_planner),
];

/// Two editors and a reviewer of one document, three rounds each: no edit is lost, each review is of what there is.
pub fn edit_review(_: u64) -> Shape {
    let editor = |name: &'static str| {
        (0..3)
            .map(move |round| task(format!("{name} {round}"), vec![grow("doc", format!("{name} {round}"), 300)]))
            .collect()
    };
    let reviewer = (0..3).map(|round| {
        let review = move |seen: &Seen| vec![put(format!("review/{round}"), seen.json("doc"))];
        task(format!("review {round}"), vec![step(&["doc"], 200, review)])
    });
    Shape {
        cells: vec![("doc".into(), json!([]))],
        agents: vec![editor("anna"), editor("ben"), reviewer.collect()],
        ..shape("edit-review", |end| {
            let edits =
                ["anna", "ben"].iter().flat_map(|name| (0..3).map(move |round| json!(format!("{name} {round}"))));
            let mut missing = once("the document", end.list("doc"), edits);
            missing.extend(
                (0..3).filter(|round| end.json(&format!("review/{round}")).is_null()).map(|r| format!("review {r}")),
            );
            Judged { missing, ..Judged::default() }
        })
    }
}

/// A planner makes four plans; of each an executor carries out two parts, with a tool that is replaced meanwhile.
pub fn plan_execute(_: u64) -> Shape {
    let plan = (0..4).map(|round| {
        let plan = step(&[], 200, move |_| vec![put(format!("plan/{round}"), json!(round))]);
        let earlier = (round > 0).then(|| format!("execute {} second", round - 1));
        Task { waits_for: earlier.into_iter().collect(), ..task(format!("plan {round}"), vec![plan]) }
    });
    let execute = (0..4).flat_map(|round| ["first", "second"].map(|part| (round, part))).map(|(round, part)| {
        let deploy = move |seen: &Seen| {
            let told = json!([part, seen.json(&format!("plan/{round}"))]);
            vec![
                Deed::Effect("world".into(), "deploy".into(), told.clone()),
                put(format!("result/{round}/{part}"), told),
            ]
        };
        let execute = Step { pins: vec!["deploy".into()], ..step(&[&format!("plan/{round}")], 150, deploy) };
        Task { waits_for: vec![format!("plan {round}")], ..task(format!("execute {round} {part}"), vec![execute]) }
    });
    let platform = (0..4).map(|round| {
        let release = step(&[], 400, move |_| vec![put("release", json!(round))]);
        let then = Then::Register("deploy".into(), format!("release {round}"));
        Task { then: Some(then), ..task(format!("release {round}"), vec![release]) }
    });
    Shape {
        tools: vec![("deploy".into(), "first release".into())],
        agents: vec![plan.collect(), execute.collect(), platform.collect()],
        ..shape("plan-execute", |end| {
            let wanted = (0..4).flat_map(|round| ["first", "second"].map(|part| (round, part)));
            let undone = wanted.clone().filter(|(round, part)| end.json(&format!("result/{round}/{part}")).is_null());
            let mut missing: Vec<String> =
                undone.map(|(round, part)| format!("the {part} result of {round}")).collect();
            missing.extend(once("the effects", &end.told, wanted.map(|(round, part)| json!([part, round]))));
            Judged { missing, ..Judged::default() }
        })
    }
}

/// A draft is carried out before it is settled, then retracted; the revised plan is approved and carried out.
pub fn plan_execute_revise(_: u64) -> Shape {
    let held = |name: &str, steps, after: &[&str]| Task { held: true, ..waiting(name, steps, after) };
    let planner = vec![
        held("draft", vec![step(&[], 100, |_| vec![put("plan", json!("draft"))])], &[]),
        held("revise", vec![step(&["plan"], 300, |_| vec![put("plan", json!("revised"))])], &["reject"]),
    ];
    let execute = |result: &'static str| {
        step(&["plan"], 300, move |seen| {
            vec![put(result, seen.json("plan")), Deed::Effect("world".into(), "deploy".into(), seen.json("plan"))]
        })
    };
    let executor = vec![
        waiting("execute eagerly", vec![execute("early")], &["draft"]),
        waiting("execute", vec![execute("result")], &["revise"]),
    ];
    let note = |round: i64| step(&[], 200, move |_| vec![put("decision", json!(round))]);
    let lead = vec![
        Task { then: Some(Then::Retract("draft".into())), ..waiting("reject", vec![note(1)], &["execute eagerly"]) },
        Task { then: Some(Then::Approve("revise".into())), ..waiting("approve", vec![note(2)], &["execute"]) },
    ];
    Shape {
        tools: vec![("deploy".into(), "one".into())],
        agents: vec![planner, executor, lead],
        ..shape("plan-execute-revise", |end| {
            let wanted = json!("revised");
            let missing = ["plan", "result"].into_iter().filter(|key| *end.json(key) != wanted);
            let mut missing: Vec<String> = missing.map(|key| format!("the revised {key}")).collect();
            if !end.told.contains(&wanted) {
                missing.push("the effect of the revised plan".into());
            }
            let mut anomalies = Vec::new();
            if end.told.contains(&json!("draft")) {
                anomalies.push(anomaly("effect of a rejected draft", Level::L2, "the draft was carried out".into()));
            }
            if *end.json("early") == json!("draft") {
                anomalies.push(anomaly("result of a rejected draft", Level::L2, "it is still there".into()));
            }
            Judged { anomalies, missing }
        })
    }
}

/// Two agents decide about open tickets while their customers withdraw some: nobody acts on a withdrawn ticket.
pub fn triage(seed: u64) -> Shape {
    tickets("triage", seed, |key, agent| {
        let mine = key.to_owned();
        step(&[key], 300, move |seen| match seen.json(&mine).as_str() {
            Some("open") => vec![put(&mine, json!("escalated")), mail(&mine)],
            _ => vec![put(format!("seen by {agent}/{mine}"), json!(true))],
        })
    })
}

/// The same, but who escalates writes nothing: the read alone decides, and is validated all the same.
pub fn triage_without_writes(seed: u64) -> Shape {
    let mut shape = tickets("triage without writes", seed, |key, _| {
        let mine = key.to_owned();
        step(&[key], 300, move |seen| match seen.json(&mine).as_str() {
            Some("open") => vec![mail(&mine)],
            _ => Vec::new(),
        })
    });
    shape.agents.iter_mut().take(2).flatten().for_each(|task| task.only_reads = true);
    shape
}

/// Four tickets, two agents that see to two of them each, and a customer who withdraws all in turn.
fn tickets(name: &'static str, seed: u64, work: impl Fn(&str, usize) -> Step) -> Shape {
    let mut random = Random::new(seed);
    let key = |ticket: usize| format!("ticket/{ticket}");
    let agent = |agent: usize| {
        let tickets = [2 * agent, 2 * agent + 1].into_iter();
        tickets.map(|ticket| task(format!("triage {ticket}"), vec![work(&key(ticket), agent)])).collect::<Vec<_>>()
    };
    let withdraw = (0..4).map(|ticket| {
        let withdraw = move |seen: &Seen| match seen.json(&format!("ticket/{ticket}")).as_str() {
            Some("open") => vec![put(format!("ticket/{ticket}"), json!("withdrawn"))],
            _ => vec![put(format!("too late/{ticket}"), json!(true))],
        };
        task(format!("withdraw {ticket}"), vec![step(&[&key(ticket)], 50 + random.below(150), withdraw)])
    });
    let withdraw = withdraw.collect();
    Shape {
        cells: (0..4).map(|ticket| (key(ticket), json!("open"))).collect(),
        tools: vec![("send".into(), "one".into())],
        agents: vec![agent(0), agent(1), withdraw],
        ..shape(name, move |end| {
            let undecided = |ticket: &usize| {
                let key = format!("ticket/{ticket}");
                *end.json(&key) == json!("open") && !end.told.contains(&json!(key))
            };
            let missing = (0..4).filter(undecided).map(|ticket| format!("a decision about ticket {ticket}")).collect();
            Judged { missing, ..Judged::default() }
        })
    }
}

/// Four agents, three tasks each: read two of six files, extend one of them.
pub fn shared_workspace(seed: u64) -> Shape {
    let mut random = Random::new(seed);
    let mut plan = Vec::new();
    let mut agents = Vec::new();
    for agent in 0..4 {
        let tasks = (0..3).map(|round| {
            let (file, other) = (random.below(6), random.below(5));
            let file_name = format!("file/{file}");
            let other_name = format!("file/{}", (file + 1 + other) % 6);
            let item = format!("{agent} {round}");
            plan.push((file_name.clone(), item.clone()));
            let step = Step { reads: vec![other_name, file_name.clone()], ..grow(&file_name, item.clone(), 300) };
            task(item, vec![step])
        });
        agents.push(tasks.collect());
    }
    Shape {
        agents,
        ..shape("shared workspace", move |end| {
            let count = |file: &str, item: &str| end.list(file).iter().filter(|found| **found == json!(item)).count();
            let missing = plan.iter().filter(|(file, item)| count(file, item) != 1);
            Judged { missing: missing.map(|(file, item)| format!("{item} in {file}")).collect(), ..Judged::default() }
        })
    }
}

/// Six agents write one line each of one document, merged by lines.
pub fn shared_document(_: u64) -> Shape {
    let blank = (0..6).fold(String::new(), |text, line| text + &format!("line {line}\n\n\n"));
    let agent = |agent: usize| {
        let edit = move |seen: &Seen| {
            let text = seen.json("doc").as_str().unwrap_or_default().to_owned();
            let edited = text.replace(&format!("line {agent}\n"), &format!("line {agent}, written\n"));
            vec![Deed::Lines("doc".into(), edited)]
        };
        vec![task(format!("write {agent}"), vec![step(&["doc"], 300, edit)])]
    };
    Shape {
        cells: vec![("doc".into(), json!(blank))],
        agents: (0..6).map(agent).collect(),
        ..shape("shared document", |end| {
            let text = end.json("doc").as_str().unwrap_or_default();
            let missing = (0..6).filter(|line| text.matches(&format!("line {line}, written\n")).count() != 1);
            Judged { missing: missing.map(|line| format!("line {line}")).collect(), ..Judged::default() }
        })
    }
}

/// Four workers write a part and revise it; a merger puts together what it finds, once early and once in the end.
pub fn fan_out_merge(_: u64) -> Shape {
    let worker = |part: usize| {
        let key = format!("part/{part}");
        let write = grow(&key, format!("{part} written"), 200);
        let revise = grow(&key, format!("{part} revised"), 300);
        vec![task(format!("write {part}"), vec![write]), task(format!("revise {part}"), vec![revise])]
    };
    let merge = || Step {
        scans: vec!["part/".into()],
        ..step(&[], 300, |seen| vec![put("merged", whole(seen.found("part/")))])
    };
    let all: Vec<String> = (0..4).map(|part| format!("revise {part}")).collect();
    let merger = vec![
        waiting("merge early", vec![merge()], &["write 0"]),
        Task { waits_for: all, ..task("merge", vec![merge()]) },
    ];
    Shape {
        agents: (0..4).map(worker).chain([merger]).collect(),
        ..shape("fan-out-merge", |end| {
            let parts = (0..4).map(|part| json!([format!("{part} written"), format!("{part} revised")]));
            Judged { missing: once("the merged whole", end.list("merged"), parts), ..Judged::default() }
        })
    }
}

/// So many writers each add one to one cell, by reading and writing it.
pub fn fan_in(writers: usize) -> Shape {
    let writer = |writer| {
        let add = |seen: &Seen| vec![put("sum", json!(seen.number("sum") + 1))];
        vec![task(format!("add {writer}"), vec![step(&["sum"], 200, add)])]
    };
    Shape {
        agents: (0..writers).map(writer).collect(),
        ..shape("fan-in", move |end| {
            let sum = end.json("sum").clone();
            let missing =
                if sum == json!(writers) { Vec::new() } else { vec![format!("{sum} of {writers} additions")] };
            Judged { missing, ..Judged::default() }
        })
    }
}

/// Four writers append six items each to one list, by a delta.
pub fn append(_: u64) -> Shape {
    let add = |item: String| {
        step(&[], 100, move |_| vec![Deed::Append("log".into(), json!(item)), Deed::Count("length".into(), 1)])
    };
    appending("append", add, |end| *end.json("length") == json!(24))
}

/// The same by reading the list and writing it anew.
pub fn append_by_rewriting(_: u64) -> Shape {
    appending("append by rewriting", |item| grow("log", item, 100), |_| true)
}

fn appending(
    name: &'static str,
    add: impl Fn(String) -> Step,
    also: impl Fn(&End) -> bool + Send + Sync + 'static,
) -> Shape {
    let item = |writer: usize, round: usize| format!("{writer} {round}");
    let writer = |writer| (0..6).map(|round| task(item(writer, round), vec![add(item(writer, round))])).collect();
    Shape {
        agents: (0..4).map(writer).collect(),
        ..shape(name, move |end| {
            let items = (0..4).flat_map(|writer| (0..6).map(move |round| json!(item(writer, round))));
            let mut missing = once("the list", end.list("log"), items);
            if !also(end) {
                missing.push(format!("items in the counter, which says {}", end.json("length")));
            }
            Judged { missing, ..Judged::default() }
        })
    }
}

/// Six agents want one of three seats: who finds one free takes it, the others wait. No seat is sold twice.
pub fn scan_then_insert(_: u64) -> Shape {
    let agent = |agent: usize| {
        let insert = move |seen: &Seen| {
            let place = if seen.found("seat/").len() < 3 { "seat" } else { "waiting" };
            vec![put(format!("{place}/{agent}"), json!(agent))]
        };
        vec![task(format!("book {agent}"), vec![Step { scans: vec!["seat/".into()], ..step(&[], 200, insert) }])]
    };
    Shape {
        agents: (0..6).map(agent).collect(),
        ..shape("scan-then-insert", |end| {
            let taken = end.cells.keys().filter(|key| key.starts_with("seat/")).count();
            let placed = |agent: &usize| {
                ["seat", "waiting"].iter().any(|place| end.cells.contains_key(&format!("{place}/{agent}")))
            };
            let mut missing: Vec<String> =
                (0..6).filter(|agent| !placed(agent)).map(|a| format!("agent {a}")).collect();
            missing.extend((taken < 3).then(|| format!("{taken} of 3 seats taken")));
            let anomalies = (taken > 3).then(|| anomaly("phantom", Level::L1, format!("{taken} of 3 seats taken")));
            Judged { anomalies: anomalies.into_iter().collect(), missing }
        })
    }
}

/// Two on call; each goes home if the other stays. One must stay, and one may go.
pub fn write_skew(_: u64) -> Shape {
    let doctor = |me: &'static str, other: &'static str| {
        let leave = move |seen: &Seen| {
            let decided = put(format!("decided/{me}"), json!(true));
            if seen.number(other) == 1 { vec![put(me, json!(0)), decided] } else { vec![decided] }
        };
        vec![task(format!("decide {me}"), vec![step(&[me, other], 300, leave)])]
    };
    Shape {
        cells: vec![("anna".into(), json!(1)), ("ben".into(), json!(1))],
        agents: vec![doctor("anna", "ben"), doctor("ben", "anna")],
        ..shape("write skew", |end| {
            let on_call = ["anna", "ben"].iter().filter(|name| *end.json(name) == json!(1)).count();
            let missing = ["anna", "ben"].iter().filter(|name| end.json(&format!("decided/{name}")).is_null());
            let mut missing: Vec<String> = missing.map(|name| format!("the decision of {name}")).collect();
            missing.extend((on_call > 1).then(|| "nobody went home".to_owned()));
            let anomalies = (on_call == 0).then(|| anomaly("write skew", Level::L1, "nobody is on call".into()));
            Judged { anomalies: anomalies.into_iter().collect(), missing }
        })
    }
}

/// Four agents move money between four accounts, four times each: the sum stays, every transfer is booked.
pub fn transfers(seed: u64) -> Shape {
    let mut random = Random::new(seed);
    let mut agents = Vec::new();
    for agent in 0..4 {
        let tasks = (0..4).map(|round| {
            let (from, other) = (random.below(4), random.below(3));
            let (from, to) = (format!("account/{from}"), format!("account/{}", (from + 1 + other) % 4));
            let (source, target) = (from.clone(), to.clone());
            let transfer = move |seen: &Seen| {
                let moved = put(&source, json!(seen.number(&source) - 1));
                vec![
                    moved,
                    put(&target, json!(seen.number(&target) + 1)),
                    Deed::Append("booked".into(), json!([agent, round])),
                ]
            };
            task(format!("transfer {agent} {round}"), vec![step(&[&from, &to], 200, transfer)])
        });
        agents.push(tasks.collect());
    }
    Shape {
        cells: (0..4).map(|account| (format!("account/{account}"), json!(100))).collect(),
        agents,
        ..shape("transfers", |end| {
            let sum: i64 = (0..4).filter_map(|account| end.json(&format!("account/{account}")).as_i64()).sum();
            let booked = (0..4).flat_map(|agent| (0..4).map(move |round| json!([agent, round])));
            let anomalies = (sum != 400).then(|| anomaly("sum", Level::L1, format!("{sum} instead of 400")));
            let missing = once("the book", end.list("booked"), booked);
            Judged { anomalies: anomalies.into_iter().collect(), missing }
        })
    }
}

/// A planner reads four counters, one a step, and generates long after each; four writers raise them all the while.
pub fn long_planner(_: u64) -> Shape {
    let read = |counter: usize| step(&[&format!("counter/{counter}")], 1_000, |_| Vec::new());
    let sum = |seen: &Seen| vec![put("plan", json!((0..4).map(|c| seen.number(&format!("counter/{c}"))).sum::<i64>()))];
    let last = Step { after: vec![0, 1, 2, 3], ..step(&[], 200, sum) };
    let planner = vec![task("plan", (0..4).map(read).chain([last]).collect())];
    let writer = |writer: usize| {
        let key = format!("counter/{writer}");
        let raise = move |round| {
            let mine = key.clone();
            let add = move |seen: &Seen| vec![put(&mine, json!(seen.number(&mine) + 1))];
            task(format!("raise {writer} {round}"), vec![step(&[&key], 100, add)])
        };
        (0..12).map(raise).collect()
    };
    Shape {
        agents: [planner].into_iter().chain((0..4).map(writer)).collect(),
        ..shape("a long planner among short writers", |end| {
            let low = (0..4).filter(|counter| *end.json(&format!("counter/{counter}")) != json!(12));
            let mut missing: Vec<String> = low.map(|counter| format!("all of counter {counter}")).collect();
            missing.extend(end.json("plan").is_null().then(|| "the plan".to_owned()));
            Judged { missing, ..Judged::default() }
        })
    }
}

fn shape(name: &'static str, judge: impl Fn(&End) -> Judged + Send + Sync + 'static) -> Shape {
    Shape { name, cells: Vec::new(), tools: Vec::new(), agents: Vec::new(), judge: Box::new(judge) }
}

fn task(name: impl Into<String>, steps: Vec<Step>) -> Task {
    Task { name: name.into(), steps, ..Task::default() }
}

fn waiting(name: &str, steps: Vec<Step>, after: &[&str]) -> Task {
    Task { waits_for: after.iter().map(|&name| name.to_owned()).collect(), ..task(name, steps) }
}

/// A step that reads some cells and generates.
pub(super) fn step(reads: &[&str], ticks: u64, make: impl Fn(&Seen) -> Vec<Deed> + Send + Sync + 'static) -> Step {
    let reads = reads.iter().map(|&key| key.to_owned()).collect();
    Step { reads, scans: Vec::new(), pins: Vec::new(), ticks, after: Vec::new(), make: Box::new(make) }
}

/// A step that reads a list and writes it with one item more.
fn grow(key: &str, item: String, ticks: u64) -> Step {
    let mine = key.to_owned();
    step(&[key], ticks, move |seen| vec![put(&mine, seen.with(&mine, item.clone()))])
}

fn put(key: impl Into<String>, value: Json) -> Deed {
    Deed::Put(key.into(), value)
}

fn mail(ticket: &str) -> Deed {
    Deed::Effect("mail".into(), "send".into(), json!(ticket))
}

fn whole(found: &[(String, Json)]) -> Json {
    found.iter().map(|(_, part)| part.clone()).collect()
}

fn anomaly(kind: &'static str, excluded_from: Level, witness: String) -> Anomaly {
    Anomaly { kind, excluded_from, witness }
}

/// What is not in a list exactly once, or does not belong there.
fn once(what: &str, list: &[Json], wanted: impl Iterator<Item = Json>) -> Vec<String> {
    let wanted: Vec<Json> = wanted.collect();
    let times = |item: &Json| list.iter().filter(|found| *found == item).count();
    let wrong = wanted.iter().filter(|item| times(item) != 1);
    let foreign = list.iter().filter(|item| !wanted.contains(item));
    wrong.chain(foreign).map(|item| format!("{item} in {what}, {} times", times(item))).collect()
}
