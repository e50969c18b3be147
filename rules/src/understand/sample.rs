//! Forms that are shown instead of described: the name of a file that begins with its date, a timestamp with its offset.
//!
//! `named like 20250102_notes.md` and `recorded as 2025-01-02T09:00:00+02:00` say how all such names and times are to be
//! written; the shown one is only its example.

use super::compose::Draft;
use super::spelled::escaped;
use super::token::Form;
use crate::Predicate;
use crate::lexicon::Of;
use crate::predicate::{FileAction, FileTest, TextTest};
use crate::{Event, Pattern};

/// Words that say that what is shown is the form.
const CUES: [&str; 20] = [
    "have",
    "has",
    "carry",
    "carries",
    "prefix",
    "prefixed",
    "should",
    "must",
    "format",
    "formatted",
    "naming",
    "named",
    "use",
    "follow",
    "recorded",
    "require",
    "required",
    "requires",
    "convention",
    "be",
];
/// The ends of the names of fields that hold a time.
const FIELDS: &str = "((\\w+_)?(date|time|timestamp|deadline)|\\w+_(at|start|end|updated|modified|scheduled|until))";

/// The rules that a part of a message makes by what it shows.
pub(super) fn drafts(said: &str) -> Vec<Draft> {
    if let Some(draft) = headings(said) {
        return vec![draft];
    }
    if let Some(draft) = line_references(said) {
        return vec![draft];
    }
    let shows = |text: &str| text.bytes().filter(u8::is_ascii_digit).count() >= 8 || text.contains("YYYY");
    if !shows(said) {
        return Vec::new();
    }
    let tokens = super::token::tokens(said, 0..said.len());
    if !tokens.iter().any(|token| CUES.contains(&&*token.lower)) {
        return Vec::new();
    }
    let words = || tokens.iter().filter(|token| token.form != Form::Mark && shows(token.text)).map(|token| token.text);
    // Of several, the one that says most about what follows the date.
    let marks = |word: &str| matches!(word, "," | ";");
    let written = said
        .split_whitespace()
        .filter(|word| !marks(word))
        .map(|word| word.trim_matches(['`', '"', '\'', ',', '(', ')']));
    let mut names: Vec<_> = words().chain(written.filter(|word| shows(word))).filter_map(dated_name).collect();
    if names.is_empty()
        && let Some(draft) = dated_prefix(said, words())
    {
        return vec![draft];
    }
    names.sort_by_key(|(open, _)| *open);
    let name = names.into_iter().next().map(|(_, draft)| draft);
    name.or_else(|| words().find_map(timestamp)).into_iter().collect()
}

/// A date at the beginning of a name, as a pattern, and what follows it.
fn date(name: &str) -> Option<(&'static str, &str)> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let dashed = |text: &str| text.len() == 10 && digits(&text.replace('-', "")) && text.matches('-').count() == 2;
    let head = |length: usize| name.get(..length).zip(name.get(length..));
    match (head(8), head(10)) {
        (Some((date, rest)), _) if date == "YYYYMMDD" || digits(date) => Some(("\\d{8}", rest)),
        (_, Some((date, rest))) if date == "YYYY-MM-DD" || dashed(date) => Some(("\\d{4}-\\d{2}-\\d{2}", rest)),
        _ => None,
    }
}

/// `20250102_<what>.json`: new files of this ending are named so; and whether anything may follow the date.
fn dated_name(shown: &str) -> Option<(bool, Draft)> {
    let (date, rest) = date(shown)?;
    let (stem, ending) = rest.rsplit_once('.')?;
    let mark = stem.chars().next().filter(|c| matches!(c, '_' | '-'))?;
    let what = stem.get(1..).filter(|what| !what.is_empty())?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_<> ".contains(c);
    let rest = match (mark, what.chars().all(plain)) {
        ('_', true) => "[a-z0-9_]+",
        ('-', true) => "[a-z0-9-]+",
        _ => ".+",
    };
    let any = matches!(ending, "ext" | "<ext>" | "*");
    let last = if any { "\\w+".to_owned() } else { escaped(ending) };
    let must = TextTest::Matches(format!("\\A{date}{mark}{rest}\\.{last}\\z"));
    let path = if any { Vec::new() } else { vec![format!("*.{ending}")] };
    let new = FileTest { path, action: Some(FileAction::Create), ..FileTest::default() };
    let named = FileTest { name: Some(must), ..FileTest::default() };
    let pattern =
        Pattern::Universality { every: Predicate::File(Box::new(new)), must: Predicate::File(Box::new(named)) };
    let ending = if any { "md" } else { ending };
    let first = if date == "\\d{8}" { "20250102" } else { "2025-01-02" };
    let write = |name: String| Event::write(format!("notes/{name}"), "new\n");
    let draft = Draft::of("file-name-without-date".to_owned(), format!("name new files like `{shown}`"), pattern)
        .violates([write(format!("other.{ending}"))])
        .clean([write(format!("{first}{mark}notes.{ending}"))]);
    Some((rest == ".+", draft))
}

/// Documents, among the files of a project.
const DOCUMENTS: [&str; 6] = ["*.md", "*.txt", "*.html", "*.pdf", "*.docx", "*.csv"];

/// `files in docs/ have a YYYY-MM-DD_ prefix`: new documents there are named so.
fn dated_prefix<'a>(said: &str, mut shown: impl Iterator<Item = &'a str>) -> Option<Draft> {
    let tells = ["prefix", "begin", "start"].iter().any(|word| said.to_lowercase().contains(word));
    let (date, mark) = shown.find_map(|word| date(word).filter(|(_, mark)| matches!(*mark, "_" | "-")))?;
    if !tells {
        return None;
    }
    let folder =
        said.split_whitespace().map(|word| word.trim_matches(['`', ',', '.'])).find(|word| word.ends_with('/'));
    let path = folder.map_or_else(|| DOCUMENTS.map(str::to_owned).to_vec(), super::path::globs);
    let new = FileTest { path, action: Some(FileAction::Create), ..FileTest::default() };
    let must = FileTest { name: Some(TextTest::Matches(format!("\\A{date}{mark}"))), ..FileTest::default() };
    let pattern =
        Pattern::Universality { every: Predicate::File(Box::new(new)), must: Predicate::File(Box::new(must)) };
    let first = if date == "\\d{8}" { "20250102" } else { "2025-01-02" };
    let folder = folder.unwrap_or("notes/");
    let write = |name: String| Event::write(format!("{folder}{name}"), "new\n");
    Some(
        Draft::of(
            "file-name-without-date-in-front".to_owned(),
            format!("begin names of new documents like `{first}{mark}`"),
            pattern,
        )
        .violates([write("notes.md".to_owned())])
        .clean([write(format!("{first}{mark}notes.md"))]),
    )
}

/// `reports contain ## Summary and ## Details`: new documents have these headings.
fn headings(said: &str) -> Option<Draft> {
    if !said.contains("## ") {
        return None;
    }
    let lower = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["not ", "n't", "never", "avoid"]) || !says(&["contain", "include", "have", "section"]) {
        return None;
    }
    let ends = |text: &str| text.find([',', '.', ';', '`', '"', '(', '\n']).unwrap_or(text.len());
    let named = said.split("## ").skip(1).filter_map(|rest| rest.get(..ends(rest)));
    let named = named
        .filter_map(|text| text.split(" and ").next())
        .map(|text| text.trim().trim_end_matches(" sections").trim_end_matches(" section").to_owned());
    let named: Vec<_> = named.filter(|text| text.starts_with(char::is_uppercase)).collect();
    if named.len() < 2 {
        return None;
    }
    let new = FileTest { path: vec!["*.md".to_owned()], action: Some(FileAction::Create), ..FileTest::default() };
    let line = |text: &String| TextTest::Matches(format!("(?m)^#+ {}\\s*$", escaped(text)));
    let word = |word: &str| lower.split(|c: char| !c.is_alphanumeric()).any(|own| own == word);
    if word("commit") || word("commits") {
        return None;
    }
    if lower.contains("pull request") || lower.contains("merge request") || word("pr") || word("prs") || word("mr") {
        let texts = |test: TextTest| Of::Request.test(test);
        let pattern = Pattern::Universality {
            every: texts(TextTest::All(Vec::new())),
            must: texts(TextTest::All(named.iter().map(line).collect())),
        };
        let whole = format!("Read numbers\n\n## {}\n\nText.\n", named.join("\n\nText.\n\n## "));
        let title = format!("write pull requests with the sections {}", named.join(", "));
        return Some(
            Draft::of("pull-request-without-sections".to_owned(), title, pattern)
                .violates([Of::Request.event("Read numbers\n\nText.")])
                .clean([Of::Request.event(&whole)]),
        );
    }
    let must = FileTest { content: Some(TextTest::All(named.iter().map(line).collect())), ..FileTest::default() };
    let pattern =
        Pattern::Universality { every: Predicate::File(Box::new(new)), must: Predicate::File(Box::new(must)) };
    let whole = format!("## {}\n\nText.\n", named.join("\n\nText.\n\n## "));
    let title = format!("write new documents with the sections {}", named.join(", "));
    Some(
        Draft::of("document-without-sections".to_owned(), title, pattern)
            .violates([Event::write("docs/report.md", "# Report\n\nText.\n")])
            .clean([Event::write("docs/report.md", format!("# Report\n\n{whole}"))]),
    )
}

/// `cite code as path:line`: no answer and no document says `line 42` and names the place of nothing so.
fn line_references(said: &str) -> Option<Draft> {
    const VERBS: [&str; 7] = ["cite", "citing", "refer", "mention", "point to", "pointing to", "quot"];
    let form = |word: &str| {
        let (file, line) = word.trim_matches(|c: char| !c.is_alphanumeric()).rsplit_once(':')?;
        let file = file.rsplit('/').next().unwrap_or(file);
        let named = matches!(file, "file" | "filename" | "file_name" | "file_path" | "filepath" | "path");
        let counted = matches!(line, "line" | "line_number" | "linenumber" | "lineno" | "number");
        (named && counted).then(|| format!("{file}:{line}"))
    };
    let shown = said.contains(":l").then(|| said.split_whitespace().find_map(form)).flatten()?;
    let lower = said.to_lowercase();
    if !VERBS.iter().any(|verb| lower.contains(verb))
        || ["never", "don't", "do not"].iter().any(|not| lower.contains(not))
    {
        return None;
    }
    let line = TextTest::Matches("(?i)\\blines? \\d+|第\\s*\\d+\\s*行".to_owned());
    let place = TextTest::Matches("\\w\\.\\w+:\\d+".to_owned());
    let text = TextTest::All(vec![line, TextTest::Not(Box::new(place))]);
    let document = FileTest { path: vec!["*.md".to_owned()], added: Some(text.clone()), ..FileTest::default() };
    let never = Predicate::Any(vec![Predicate::File(Box::new(document)), Predicate::Reply(text)]);
    let title = format!("name lines of code like `{shown}`");
    let answer = |place: &str| Event::stop(format!("The fault is in {place}."), Vec::new());
    Some(
        Draft::of("line-without-file".to_owned(), title, Pattern::Absence { never })
            .violates([answer("src/app.ts, line 42")])
            .clean([answer("src/app.ts:42")]),
    )
}

/// `2025-01-02T09:00:00+02:00`: fields that hold a time are written so.
fn timestamp(shown: &str) -> Option<Draft> {
    let bare = shown.trim_matches(|c: char| !c.is_alphanumeric());
    let (day, time) = bare.split_once('T')?;
    date(day).filter(|(_, rest)| rest.is_empty() && day.len() == 10)?;
    let clock = time.get(..8).filter(|clock| clock.matches(':').count() == 2)?;
    let offset = time.get(clock.len()..).unwrap_or_default();
    let offset = match offset {
        "" => return None,
        "Z" => "Z".to_owned(),
        given if given.starts_with(['+', '-']) && given.len() == 6 => escaped(given),
        _ => return None,
    };
    let field = format!("(^|[{{,\\s])[\"']?{FIELDS}[\"']?\\s*[:=]\\s*[\"']");
    let form = format!("\\d{{4}}-\\d{{2}}-\\d{{2}}T\\d{{2}}:\\d{{2}}:\\d{{2}}(\\.\\d+)?{offset}[\"']");
    let other = TextTest::Not(Box::new(TextTest::Matches(format!("{field}{form}"))));
    let line = TextTest::SomeLine(Box::new(TextTest::All(vec![TextTest::Matches(field), other])));
    let never = Predicate::File(Box::new(FileTest { added: Some(line), ..FileTest::default() }));
    let write = |value: &str| Event::write("notes/a.json", format!("{{\n  \"created_at\": \"{value}\"\n}}\n"));
    let value = if offset == "Z" {
        "2025-01-02T09:00:00Z".to_owned()
    } else {
        format!("2025-01-02T09:00:00{}", time.get(8..)?)
    };
    let title = format!("write times like `{bare}`");
    Some(
        Draft::of("time-without-offset".to_owned(), title, Pattern::Absence { never })
            .violates([write("2025-01-02")])
            .clean([write(&value)]),
    )
}
