//! Pairs of rules, in conflict or not.

use super::*;
use rules::{Event, Example};

/// Rules, one a line: a name, a pattern, and the fields of its check; `[scope]` and what follows it is the scope.
const RULES: &str = r#"
never-npm | absence | never = { command = "npm" }
never-npm-again | absence | never = { command = "npm" }
never-npm-publish | absence | never = { command = "npm publish" }
never-npm-in-legacy | absence | never = { command = "npm" } | [scope] | directory = ["legacy"]
never-npm-on-main | absence | never = { command = "npm" } | [scope] | branch = ["main"]
never-npm-on-features | absence | never = { command = "npm" } | [scope] | branch = ["feature/*"]
never-loud-npm | absence | never = { command = { run = "npm", without = ["--silent"] } }
never-npm-unless-test | absence | never = { command = "npm" } | unless = { command = "npm test" }
npm-is-silent | universality | every = { command = "npm" } | must = { command = "npm --silent" }
npm-is-frozen | universality | every = { command = "npm" } | must = { command = { run = "npm", env = "CI=1" } }
pnpm-not-npm | substitution | never = { command = "npm" } | instead = [{ from = "npm", to = "pnpm" }]
npm-not-pnpm | substitution | never = { command = "pnpm" } | instead = [{ from = "pnpm", to = "npm" }]
yarn-not-npm | substitution | never = { command = "npm" } | instead = [{ to = "yarn" }]
yarn-not-pnpm | substitution | never = { command = "pnpm" } | instead = [{ to = "yarn" }]
npm-not-pnpm-in-legacy | substitution | never = { command = "pnpm" } | instead = [{ to = "npm" }] | [scope] | directory = ["legacy"]
npm-not-pnpm-in-web | substitution | never = { command = "pnpm" } | instead = [{ to = "npm" }] | [scope] | directory = ["web"]
npm-test-after-edits | response | trigger = { file = { path = ["src/a.js"] } } | require = { command = "npm test|t" }
npm-test-after-edits-on-main | response | trigger = { file = { path = ["src/a.js"] } } | require = { command = "npm test" } | [scope] | branch = ["main"]
some-test-after-edits | response | trigger = { file = {} } | require = { any = [{ command = "npm test" }, { command = "pnpm test" }] }
test-in-session | existence | require = { command = "npm test" }
test-then-lint-after-edits | response_chain | trigger = { file = { path = ["src/a.js"] } } | require = [{ command = "npm test" }, { command = "npx eslint" }]
never-npx | absence | never = { command = "npx" }
test-before-commit | precedence | first = { command = "make test" } | then = { command = "git commit" }
commit-before-test | precedence | first = { command = "git commit" } | then = { command = "make test" }
build-before-push | precedence | first = { command = "make build" } | then = { command = "git push" }
test-before-build | precedence | first = { command = "make test" } | then = { command = "make build" }
test-again-before-commit | precedence | first = { command = "make test" } | then = { command = "git commit" } | again_after = { file = {} }
asked-before-test | precedence | first = { prompt = { matches = "^[a-f0-9]+$" } } | then = { command = "make test" }
never-make | absence | never = { command = "make" }
lint-and-test-before-commit | precedence_chain | first = [{ command = "make lint" }, { command = "make test" }] | then = { command = "git commit" }
one-commit-a-turn | bounded_existence | of = { command = "git commit" } | at_most = 1 | per = "turn"
no-commits | bounded_existence | of = { command = "git commit" } | at_most = 0
deploy-once | bounded_existence | of = { command = "deploy" } | at_most = 1
deploy-after-edits | response | trigger = { file = { path = ["src/a.js"] } } | require = { command = "deploy" }
never-deploy-on-friday | absence | never = { command = "deploy" } | during = { after = { prompt = { mentions = "Friday" } } }
commit-after-edits | response | trigger = { file = {} } | require = { command = "git commit" }
commit-after-edits-in-turn | response | trigger = { file = {} } | require = { command = "git commit" } | per = "turn"
changelog | existence | require = { file = { path = ["CHANGELOG.md"] } } | when = { file = { path = ["src/"] } }
never-changelog | absence | never = { file = { path = ["*.md"] } }
never-readme | absence | never = { file = { path = ["README.md"] } }
docs-follow | response | trigger = { file = { path = ["src/a.js"] } } | require = { file = { path = ["docs/**"] } }
copy-first | precedence | first = { file = { path = ["*.bak"] } } | then = { file = {} }
never-docs | absence | never = { file = { path = ["docs/"] } }
never-todo | absence | never = { file = { path = ["*.md"], added = { not = { contains = "todo" } } } }
never-indented | absence | never = { file = { added = { indent = "spaces" } } }
never-code | absence | never = { file = { path = ["*.js"] } }
changelog-of-code | existence | require = { file = { path = ["*.js"], added = { contains = "log" } } }
headed | universality | every = { file = { path = ["*.md"] } } | must = { file = { content = { min_headings = 1 } } }
read-first | precedence | first = { read = {} } | then = { file = { action = "modify" } } | per = "file"
never-read-secrets | absence | never = { read = { path = [".env"] } }
format-each | response | trigger = { file = { path = ["*.js"] } } | require = { command = "npx prettier $file" } | per = "file"
reply-de | universality | every = { reply = { all = [] } } | must = { reply = { language = "de" } }
reply-en | universality | every = { event = "stop" } | must = { reply = { language = "en" } }
reply-en-when-asked | universality | every = { event = "stop" } | must = { reply = { language = "en" } } | when = { reply = { mentions = "sir" } }
reply-emoji | universality | every = { reply = { all = [] } } | must = { reply = { emoji = true } }
never-emoji | absence | never = { reply = { emoji = true } }
never-plain | absence | never = { reply = { emoji = false } }
short-reply | universality | every = { reply = { all = [] } } | must = { reply = { max_words = 50 } }
shorter-reply | universality | every = { reply = { all = [] } } | must = { reply = { max_words = 10 } }
long-reply | universality | every = { reply = { all = [] } } | must = { reply = { not = { max_words = 60 } } }
summary | existence | require = { reply = { mentions = "summary" } }
never-summary | absence | never = { reply = { mentions = "summary" } }
commit-feat | universality | every = { commit = { all = [] } } | must = { commit = { starts_with = "feat: " } }
commit-ticket | universality | every = { commit = { all = [] } } | must = { commit = { starts_with = "T-" } }
commit-typed | universality | every = { commit = { all = [] } } | must = { commit = { starts_with = "feat" } }
commit-imperative | universality | every = { commit = { all = [] } } | must = { commit = { first_line = { imperative = true } } }
never-imperative | absence | never = { commit = { first_line = { imperative = true } } }
tabs-js | universality | every = { file = { path = ["*.js"] } } | must = { file = { added = { indent = "tabs" } } }
spaces-js | universality | every = { file = { language = ["javascript"] } } | must = { file = { added = { indent = "spaces" } } }
two-js | universality | every = { file = { path = ["*.{js,jsx}"] } } | must = { file = { added = { indent = "two_spaces" } } }
four-js | universality | every = { file = { path = ["src/**/*.js"] } } | must = { file = { added = { indent = "four_spaces" } } }
tabs-go | universality | every = { file = { path = ["*.go"] } } | must = { file = { added = { indent = "tabs" } } }
tabs-web | universality | every = { file = { path = ["web/"] } } | must = { file = { added = { indent = "tabs" } } }
spaces-api | universality | every = { file = { path = ["api/"] } } | must = { file = { added = { indent = "spaces" } } }
spaces | universality | every = { file = {} } | must = { file = { added = { indent = "spaces" } } }
spaces-in-api | universality | every = { file = {} } | must = { file = { added = { indent = "spaces" } } } | [scope] | directory = ["api"]
never-var | absence | never = { file = { path = ["*.js"], added = { contains = "var " } } }
let-not-var | substitution | never = { file = { path = ["*.js"], added = { mentions = "var" } } } | instead = [{ from = "var", to = "let" }]
var-not-let | substitution | never = { file = { path = ["*.js"], added = { mentions = "let" } } } | instead = [{ from = "let", to = "var" }]
never-log | absence | never = { file = { path = ["*.js"], added = { mentions = "log" } } }
opaque-after-edits | response | trigger = { file = { path = ["src/a.js"] } } | require = { tool = { arg = "/command", value = { contains = "npm test" } } }
always-var | universality | every = { file = { path = ["*.js"] } } | must = { file = { added = { contains = "var " } } }
"#;

/// Pairs, `!` in conflict and `~` not.
const PAIRS: &str = "
never-npm ~ never-npm-again
never-npm ! npm-not-pnpm
never-npm ~ pnpm-not-npm
never-npm ! npm-test-after-edits
never-npm ~ some-test-after-edits
never-npm ! test-in-session
never-npm ! test-then-lint-after-edits
never-npx ! test-then-lint-after-edits
never-npm-publish ~ npm-not-pnpm
never-npm-publish ~ npm-test-after-edits
never-npm-in-legacy ~ npm-test-after-edits
never-npm-in-legacy ~ npm-not-pnpm
never-npm-in-legacy ! npm-not-pnpm-in-legacy
never-npm-in-legacy ~ npm-not-pnpm-in-web
never-npm ! npm-not-pnpm-in-legacy
never-npm-on-main ! npm-test-after-edits-on-main
never-npm-on-main ! npm-test-after-edits
never-npm-on-features ~ npm-test-after-edits-on-main
never-loud-npm ~ npm-test-after-edits
npm-is-silent ~ npm-test-after-edits
npm-is-frozen ~ npm-test-after-edits
never-npm-unless-test ~ npm-test-after-edits
never-npm-unless-test ! npm-not-pnpm
pnpm-not-npm ! npm-not-pnpm
pnpm-not-npm ! npm-test-after-edits
pnpm-not-npm ~ yarn-not-npm
yarn-not-pnpm ! pnpm-not-npm
test-before-commit ! commit-before-test
build-before-push ~ test-before-build
test-before-commit ~ test-before-build
test-again-before-commit ~ commit-after-edits
test-before-commit ~ commit-after-edits
asked-before-test ~ test-before-commit
never-make ! test-before-commit
never-make ! lint-and-test-before-commit
commit-before-test ! lint-and-test-before-commit
one-commit-a-turn ~ commit-after-edits
one-commit-a-turn ~ commit-after-edits-in-turn
no-commits ! commit-after-edits
no-commits ! commit-after-edits-in-turn
deploy-once ! deploy-after-edits
never-deploy-on-friday ! deploy-after-edits
changelog ! never-changelog
changelog ~ never-readme
changelog ~ headed
docs-follow ! never-docs
docs-follow ~ never-changelog
docs-follow ~ copy-first
read-first ~ never-read-secrets
format-each ! never-npx
format-each ~ never-npm
reply-de ! reply-en
reply-de ~ reply-en-when-asked
reply-de ~ reply-emoji
reply-emoji ! never-emoji
reply-emoji ~ never-plain
never-emoji ! never-plain
changelog ~ never-todo
never-code ! changelog-of-code
never-indented ~ changelog
short-reply ~ shorter-reply
short-reply ! long-reply
summary ! never-summary
summary ~ reply-de
commit-feat ! commit-ticket
commit-feat ~ commit-typed
commit-feat ~ commit-imperative
commit-imperative ! never-imperative
tabs-js ! spaces-js
tabs-js ! two-js
spaces-js ~ two-js
two-js ! four-js
tabs-go ~ spaces-js
tabs-web ~ spaces-api
tabs-web ! spaces
tabs-web ~ spaces-in-api
tabs-web ! spaces-js
never-var ! always-var
";

fn read(text: &str) -> Rule {
    rules::file::parse(text, "rule.toml").unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

fn lines() -> impl Iterator<Item = Rule> {
    RULES.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut fields = line.split(" | ");
        let (id, pattern) = (fields.next().unwrap(), fields.next().unwrap());
        let fields = fields.collect::<Vec<_>>().join("\n");
        let (check, scope) = fields.split_once("[scope]").unwrap_or((&fields, ""));
        let head = format!("id = '{id}'\ntitle = ''\nstate = 'armed'\n");
        read(&format!("{head}[scope]\n{scope}\n[check]\npattern = '{pattern}'\n{check}"))
    })
}

fn found(rules: &[Rule]) -> Vec<Conflict> {
    let checks: Vec<Check> = rules.iter().map(|rule| Check::of(rule).unwrap()).collect();
    let pairs: Vec<(&Rule, &Check)> = rules.iter().zip(&checks).collect();
    let place = |id: &RuleId| rules.iter().position(|rule| rule.id == *id);
    conflicts(&pairs, |one, other| place(one) > place(other))
}

#[test]
fn pairs_are_in_conflict_or_not_in_both_orders() {
    let rules: BTreeMap<String, Rule> = lines().map(|rule| (rule.id.to_string(), rule)).collect();
    let mut wrong = Vec::new();
    for line in PAIRS.lines().filter(|line| !line.is_empty()) {
        let [one, sign, other] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        for (older, newer) in [(one, other), (other, one)] {
            let found = found(&[rules[older].clone(), rules[newer].clone()]);
            let named = |conflict: &Conflict| conflict.newer.as_str() == newer && conflict.older.as_str() == older;
            if found.len() != usize::from(sign == "!") || !found.iter().all(named) {
                wrong.push(format!("{line}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_rule_is_in_conflict_with_a_copy() {
    for rule in lines() {
        let copy = Rule { id: rule.id.numbered(2), ..rule.clone() };
        assert_eq!(found(&[rule.clone(), copy]), [], "{}", rule.id);
    }
}

#[test]
fn together_they_are_in_the_same_conflicts_as_pair_by_pair() {
    let rules: Vec<Rule> = lines().collect();
    let mut pairwise = Vec::new();
    for (at, one) in rules.iter().enumerate() {
        for other in &rules[at + 1..] {
            pairwise.extend(found(&[one.clone(), other.clone()]));
        }
    }
    assert_eq!(found(&rules), pairwise);
}

#[test]
fn the_reason_names_both_rules_and_the_way() {
    let rules: BTreeMap<String, Rule> = lines().map(|rule| (rule.id.to_string(), rule)).collect();
    let why = |one: &str, other: &str| found(&[rules[one].clone(), rules[other].clone()]).remove(0).why;
    let mut told = String::new();
    for (one, other) in [
        ("never-npm", "npm-test-after-edits"),
        ("test-before-commit", "commit-before-test"),
        ("never-npm", "npm-not-pnpm"),
        ("reply-de", "reply-en"),
        ("tabs-web", "spaces"),
        ("commit-imperative", "never-imperative"),
        ("changelog", "never-changelog"),
        ("deploy-once", "deploy-after-edits"),
    ] {
        told += &why(one, other);
        told.push('\n');
    }
    insta::assert_snapshot!(told, @r"
    `npm-test-after-edits` asks for `npm test|t` after a change of a file `src/a.js`, and `never-npm` forbids it
    `test-before-commit` asks for `make test` before `git commit`, and `commit-before-test` forbids it
    `npm-not-pnpm` asks for `npm`, and `never-npm` forbids it
    `reply-de` asks for a reply that is written in `de`, and `reply-en` for a reply that is written in `en`
    `spaces` asks for added text that is indented with spaces, and `tabs-web` for added text that is indented with tabs
    `never-imperative` asks for a commit message whose first line is not one that is in the imperative, and `commit-imperative` for a commit message whose first line is in the imperative
    `changelog` asks for a change of a file `CHANGELOG.md`, and `never-changelog` forbids it
    after `deploy`, then a change of `src/a.js`, `deploy-after-edits` asks for `deploy` after a change of a file `src/a.js`, and `deploy-once` leaves no way there
    ");
}

/// The rule of a line, with an example of what it allows.
fn with_clean(id: &str, events: &[Event]) -> Rule {
    let rule = lines().find(|rule| rule.id.as_str() == id).unwrap();
    Rule { examples: vec![Example::of(false, events)], ..rule }
}

#[test]
fn what_is_asked_for_is_learnt_from_clean_examples() {
    let call = Event::command("npm test");
    let asks = with_clean("opaque-after-edits", &[Event::write("src/a.js", "x"), call.clone(), call.done(true)]);
    let never = with_clean("never-npm", &[]);
    assert_eq!(found(&[asks.clone(), never.clone()]).len(), 1);
    assert_eq!(found(&[Rule { examples: Vec::new(), ..asks }, never]), [], "nothing shows what is asked for");
}

#[test]
fn another_manner_of_writing_is_no_deed() {
    let example = [Event::write("src/a.js", "let x = log()\n")];
    let (let_not_var, var_not_let) = (with_clean("let-not-var", &example), with_clean("var-not-let", &example));
    for (other, conflicts) in [(var_not_let, 1), (with_clean("never-code", &[]), 0), (with_clean("never-log", &[]), 0)]
    {
        assert_eq!(found(&[let_not_var.clone(), other.clone()]).len(), conflicts, "{}", other.id);
    }
}

#[test]
fn a_rule_that_always_forbids_is_found_behind_many_that_do_sometimes() {
    let line = |id: &str| lines().find(|rule| rule.id.as_str() == id).unwrap();
    let first = line("test-before-commit");
    let mut rules: Vec<Rule> =
        (0..100).map(|n| Rule { id: RuleId::slug(&format!("before-{n}")), ..first.clone() }).collect();
    let never = Rule { id: RuleId::slug("never"), ..line("no-commits") };
    rules.extend([never, line("commit-after-edits")]);
    assert_eq!(found(&rules).len(), 1);
}

/// Many rules of every kind, each about something of its own, and one conflict for each ten.
fn many(count: usize) -> Vec<Rule> {
    let make = |n: usize| {
        let (ten, id) = (n / 10, format!("id = 'rule-{n}'\ntitle = ''\nstate = 'armed'\n[check]\n"));
        let check = match n % 10 {
            0 => format!("pattern = 'absence'\nnever = {{ command = 'tool{ten}' }}"),
            1 => format!("pattern = 'existence'\nrequire = {{ command = 'tool{ten} check' }}"),
            2 => format!(
                "pattern = 'substitution'\nnever = {{ command = 'old{ten}' }}\ninstead = [{{ to = 'new{ten}' }}]"
            ),
            3 => format!(
                "pattern = 'precedence'\nfirst = {{ command = 'make {n}' }}\nthen = {{ command = 'deploy{ten}' }}"
            ),
            4 => "pattern = 'precedence'\nfirst = { command = 'make test' }\nthen = { command = 'git commit' }"
                .to_owned(),
            5 => format!(
                "pattern = 'response'\ntrigger = {{ file = {{ path = ['m{ten}/'] }} }}\nrequire = {{ command = 'git commit' }}"
            ),
            6 => format!(
                "pattern = 'universality'\nevery = {{ file = {{ path = ['m{ten}/'] }} }}\nmust = {{ file = {{ added = {{ indent = 'tabs' }} }} }}"
            ),
            7 => format!(
                "pattern = 'universality'\nevery = {{ file = {{ path = ['n{ten}/'] }} }}\nmust = {{ file = {{ added = {{ indent = 'spaces' }} }} }}"
            ),
            8 => format!("pattern = 'absence'\nnever = {{ reply = {{ mentions = 'word{ten}' }} }}"),
            _ => format!(
                "pattern = 'absence'\nnever = {{ file = {{ path = ['*.js'], added = {{ contains = 'bad{ten}' }} }} }}"
            ),
        };
        read(&(id + &check))
    };
    (0..count).map(make).collect()
}

#[test]
fn the_work_grows_with_the_rules_and_not_with_their_pairs() {
    let work = |count: usize| {
        let rules = many(count);
        let checks: Vec<Check> = rules.iter().map(|rule| Check::of(rule).unwrap()).collect();
        let pairs: Vec<(&Rule, &Check)> = rules.iter().zip(&checks).collect();
        let survey = Survey::of(&pairs);
        assert_eq!(survey.conflicts(|_, _| true).len(), count / 10);
        survey.work.get()
    };
    let (few, many) = (work(200), work(2_000));
    assert!(many <= 20 * few, "ten times the rules: {few} to {many}");
}
