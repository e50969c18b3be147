//! Imports of each format, as data: a file, and what is remembered of it. Importing twice adds nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use super::memories::memories;
use memory::import::{Choice, Format, Import, Report};
use memory::{Draft, Memories, Patch, Tenant, Trust};
use proptest::prelude::*;

/// A file, and what comes of it.
struct Case {
    name: &'static str,
    format: Format,
    file: &'static str,
    texts: &'static [&'static str],
    problems: usize,
}

const CASES: &[Case] = &[
    Case {
        name: "mem0.json",
        format: Format::Mem0,
        file: r#"{"results": [{"id": "1", "memory": "Likes tea", "user_id": "ann", "metadata": {"a": 1}}, {"id": "2"}]}"#,
        texts: &["Likes tea"],
        problems: 1,
    },
    Case {
        name: "memory.json",
        format: Format::KnowledgeGraph,
        file: "{\"type\":\"entity\",\"name\":\"Ann\",\"entityType\":\"person\",\"observations\":[\"likes tea\",\"is tall\"]}\n\
               not json\n{\"type\":\"relation\",\"from\":\"Ann\",\"to\":\"Bob\",\"relationType\":\"works_with\"}\n",
        texts: &["Ann (person): likes tea", "Ann (person): is tall", "Ann works with Bob"],
        problems: 1,
    },
    Case {
        name: "notes/tea.md",
        format: Format::Markdown,
        file: "---\ntitle: Tea\ntags:\n  - hot\n---\nFirst.\n\n# Kinds\n\n## Green\n```\n# no heading\n```\n## Black\nStrong.\n",
        texts: &["First.", "Kinds › Green\n```\n# no heading\n```", "Kinds › Black\nStrong."],
        problems: 0,
    },
    Case {
        name: "locomo.json",
        format: Format::Locomo,
        file: r#"[{"sample_id": "c1", "conversation": {"session_1_date_time": "1:56 pm on 8 May, 2023", "session_1":
               [{"speaker": "Ann", "dia_id": "D1:1", "text": "Look!", "blip_caption": "a dog"}, {"speaker": "Bob"}]}, "qa": []}]"#,
        texts: &["Look! [image: a dog]"],
        problems: 1,
    },
    Case {
        name: "lme.json",
        format: Format::Longmemeval,
        file: r#"[{"question_id": "q", "question": "?", "answer": "!", "haystack_session_ids": ["s"], "haystack_dates":
               ["2023/05/30 (Tue) 23:40"], "haystack_sessions": [[{"role": "user", "content": "I moved"}]]}]"#,
        texts: &["I moved"],
        problems: 0,
    },
    Case {
        name: "0b5c.jsonl",
        format: Format::ClaudeCode,
        file: r#"{"type":"user","sessionId":"s","timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"use pnpm"}}
{"type":"assistant","sessionId":"s","message":{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Done."}]}}
{"type":"user","sessionId":"s","message":{"content":[{"type":"tool_result","content":"output"}]}}
{"type":"user","isMeta":true,"message":{"content":"caveat"}}
"#,
        texts: &["use pnpm", "Done."],
        problems: 0,
    },
    Case {
        name: "rollout-1.jsonl",
        format: Format::Codex,
        file: r#"{"type":"session_meta","payload":{"id":"s"}}
{"type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"<environment_context>"}]}}
{"type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"use uv"}]}}
{"type":"response_item","payload":{"type":"function_call_output","output":"output"}}
{"type":"response_item","payload":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Yes."}]}}
"#,
        texts: &["use uv", "Yes."],
        problems: 0,
    },
    Case {
        name: "session-1.json",
        format: Format::Gemini,
        file: r#"{"sessionId": "s", "messages": [{"type": "user", "content": "hello"},
               {"type": "gemini", "content": [{"text": "Hi."}]}, {"type": "info", "content": "x"}]}"#,
        texts: &["hello", "Hi."],
        problems: 0,
    },
    Case {
        name: "events.jsonl",
        format: Format::Copilot,
        file: r#"{"type":"session.start","data":{"sessionId":"s","context":{"cwd":"/w"}},"id":"1"}
{"type":"user.message","data":{"content":"use tabs"},"id":"2","timestamp":"2026-01-01T00:00:00Z"}
{"type":"tool.execution_start","data":{"toolCallId":"c","toolName":"bash","arguments":{"command":"ls"}},"id":"3"}
{"type":"assistant.message","data":{"content":"Done."},"id":"4"}
"#,
        texts: &["use tabs", "Done."],
        problems: 0,
    },
    Case {
        name: ".aider.chat.history.md",
        format: Format::Aider,
        file: "\n# aider chat started at 2026-01-01 10:00:00\n\n> Aider v0.86.1\n\n#### /add src/a.py\n> Added src/a.py\n\n\
               #### /ask use tabs\n#### everywhere\n\nsrc/a.py\n```python\n<<<<<<< SEARCH\n    x = 1\n=======\n\tx = 1\n\
               >>>>>>> REPLACE\n```\n\n> Applied edit to src/a.py\n",
        texts: &["use tabs\neverywhere", "src/a.py\n```python\n```"],
        problems: 0,
    },
    Case {
        name: ".specstory/history/a.md",
        format: Format::SpecStory,
        file: "<!-- Generated by SpecStory, Markdown v2.1.0 -->\n\n<!-- Claude Code Session 5c7d (2026-01-01) -->\n\n\
               _**User (2026-01-01)**_\n\nuse tabs\n\n---\n\n_**Agent (m 2026-01-01)**_\n\n<think>Hm.</think>\nDone:\n\n\
               <tool-use data-tool-type=\"shell\" data-tool-name=\"Bash\"><details>\n`ls`\n</details></tool-use>\n\n\
               ```bash\n_**User**_\n```\n\n---\n",
        texts: &["use tabs", "Done:\n\n\n```bash\n_**User**_\n```"],
        problems: 0,
    },
];

fn import(memories: &Memories, case: &Case, choice: Choice) -> Report {
    let (tenant, mut progress) = (Tenant::local(), |_: &Report| {});
    let mut import = Import::new(memories, &tenant, "test", &mut progress);
    import.file(case.format, case.name, case.file.as_bytes(), choice).unwrap();
    import.report
}

#[test]
fn files_are_remembered_once() {
    for case in CASES {
        assert_eq!(Format::detect(case.name, case.file), Some(case.format), "{}", case.name);
        let (memories, _) = memories();
        let report = import(&memories, case, Choice::default());
        assert_eq!((report.added, report.problems.len()), (case.texts.len(), case.problems), "{report:?}");
        let all = memories.list(&Tenant::local(), None, 100).unwrap();
        assert_eq!(all.iter().map(|stored| stored.record.text.as_str()).collect::<Vec<_>>(), case.texts);
        let again = import(&memories, case, Choice::default());
        assert_eq!((again.added, again.known), (0, case.texts.len()));
        assert_eq!(memories.list(&Tenant::local(), None, 100).unwrap(), all);
    }
}

#[test]
fn what_tools_answered_is_taken_only_when_asked_for_and_is_from_outside() {
    for case in CASES.iter().filter(|case| matches!(case.format, Format::ClaudeCode | Format::Codex)) {
        let (memories, _) = memories();
        assert_eq!(import(&memories, case, Choice { tools: true }).added, 3);
        let all = memories.list(&Tenant::local(), None, 100).unwrap();
        let trust = |text: &str| {
            all.iter().find(|stored| stored.record.text == text).map(|stored| stored.record.provenance.trust)
        };
        assert_eq!(trust("output"), Some(Trust::Outside));
        assert_eq!(trust(case.texts.first().unwrap()), Some(Trust::User));
        assert_eq!(trust(case.texts.last().unwrap()), Some(Trust::Agent));
    }
}

#[test]
fn a_bad_draft_does_not_keep_the_others_of_its_batch_out() {
    let (memories, _) = memories();
    let long = "x".repeat(300);
    let file = format!(r#"[{{"memory": "one"}}, {{"memory": "two", "user_id": "{long}"}}, {{"memory": "three"}}]"#);
    let (tenant, mut progress) = (Tenant::local(), |_: &Report| {});
    let mut import = Import::new(&memories, &tenant, "test", &mut progress);
    import.file(Format::Mem0, "mem0.json", file.as_bytes(), Choice::default()).unwrap();
    assert_eq!((import.report.added, import.report.problems.len()), (2, 1));
}

fn exported(memories: &Memories) -> Vec<u8> {
    let mut out = Vec::new();
    memories.export(&Tenant::local(), &mut out).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_export_comes_back_without_loss(steps in proptest::collection::vec((0..4u8, ".{1,20}", 0..20usize), 0..30)) {
        let (from, _) = memories();
        let tenant = Tenant::local();
        for (what, text, which) in steps {
            let all = from.list(&tenant, None, 100).unwrap();
            let id = all.get(which % all.len().max(1)).map(|stored| stored.record.id);
            // Some of it is refused, as an empty text is: then nothing happens.
            match (what, id) {
                (1, Some(id)) => drop(from.update(&tenant, "b", id, &Patch { text: Some(text), ..Patch::default() }, None)),
                (2, Some(id)) => drop(from.forget(&tenant, "c", id)),
                (3, Some(id)) => drop(from.consolidate(&tenant, "d", &[id], |_| Draft::new(&text))),
                _ => drop(from.add(&tenant, "a", &Draft { expires_at: Some(9), ..Draft::new(text) })),
            }
        }
        let bytes = exported(&from);
        prop_assert_eq!(Format::detect("export.jsonl", std::str::from_utf8(&bytes).unwrap()), Some(Format::Trace));
        let (to, _) = memories();
        let (restored, bad) = to.restore(&tenant, "import", bytes.as_slice()).unwrap();
        prop_assert_eq!(bad, vec![]);
        let twice = exported(&to);
        prop_assert_eq!(std::str::from_utf8(&twice).unwrap(), std::str::from_utf8(&bytes).unwrap());
        let (again, _) = to.restore(&tenant, "import", bytes.as_slice()).unwrap();
        prop_assert_eq!((again.added, again.known), (0, restored.added));
    }
}
