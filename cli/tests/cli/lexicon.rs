//! `trace lexicon`: a workspace's own lexicon is read, and tried on its own events.

use crate::desk::{Desk, project, runs};

const OWN: &str = "\
[[tool]]
name = \"shipit\"
run = \"shipit\"
group = \"deploys\"
violates = [\"shipit now\", \"cd api && shipit --all\"]
clean = [\"echo shipit\", \"ls\"]
";

#[test]
fn words_of_a_workspaces_own_lexicon_are_understood() {
    let desk = Desk::new().with(".trace/lexicon/ours.toml", OWN).said("never run shipit");
    assert!(desk.read(".trace/rules/run-shipit.toml").contains("command = \"shipit\""));
    assert_eq!(desk.blocked(&[runs("cd x && shipit y"), runs("echo shipit")]), [(1, "run-shipit".to_owned())]);
}

#[test]
fn entries_are_tried_and_what_is_wrong_is_told_with_its_place() {
    let failing = OWN.replace("\"shipit now\"", "\"ship it\"").replace("\"ls\"", "\"shipit\"");
    let bare = "[[tool]]\nname = \"bare\"\nrun = \"bare\"\nclean = [\"ls\"]\n";
    let desk = Desk::new()
        .with(".trace/lexicon/a.toml", OWN)
        .with(".trace/lexicon/b.toml", failing + bare)
        .with(".trace/lexicon/c.toml", "[[tool]]\nname = 3\n");
    insta::assert_snapshot!(desk.session(&[
        "trace lexicon .trace/lexicon/a.toml",
        "trace lexicon",
        "trace lexicon none.toml"
    ]));
}

#[test]
fn a_lexicon_that_cannot_be_read_disables_nothing_else() {
    let desk = Desk::new()
        .with(".trace/lexicon/a.toml", "[[tool]]\nname = 3\n")
        .with(".trace/lexicon/b.toml", OWN)
        .with("said.txt", "never run shipit\n");
    insta::assert_snapshot!(desk.session(&["trace compile said.txt"]));
}

#[test]
fn the_documented_entries_pass_and_are_understood() {
    let page = std::fs::read_to_string(project("docs/lexicon.md")).unwrap();
    let own = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let said = "never run shipit\nnever migrate production\nnever edit golden files\nnever use the house logger\n";
    let desk = Desk::new().with(".trace/lexicon/ours.toml", own).with("said.txt", said);
    assert!(desk.sure("trace lexicon").contains("4 entries in 1 file, 0 failed"));
    let records = desk.records("trace compile said.txt");
    let fates: Vec<_> =
        records.iter().filter(|record| record["record"] == "input").map(|record| &record["fate"]).collect();
    assert!(fates.len() == 4 && fates.iter().all(|fate| **fate == "enforced"), "{records:?}");
}
