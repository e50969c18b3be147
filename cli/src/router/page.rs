//! A report as tables, for a terminal or for a page in Markdown, and `trace router page`.

use crate::End;
use crate::render::table::plural;
use ::router::evaluation::{BUDGETS, Difference, Report, TierReport, svg};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Between these marks the figures of a page stand.
const MARKS: [&str; 2] = ["<!-- figures: begin -->\n", "<!-- figures: end -->"];

/// Put the figures of a report into a page
///
/// A report is what `trace router eval --format json` prints. Its tables are put between the marks of the page, the picture
/// beside it as SVG, and the report itself as JSON, so that the page can be made again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace router eval --data locomo10.json --format json > report.json
  trace router page report.json docs/router.md --data locomo10.json

Exit codes: 0 written, 2 could not.")]
pub(super) struct Arguments {
    /// The report
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// The page, in Markdown
    #[arg(value_name = "PAGE")]
    page: PathBuf,
    /// What was measured on, for the page
    #[arg(long, value_name = "NAME")]
    data: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<End> {
    let path = &arguments.report;
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let report = serde_json::from_str(&text).with_context(|| format!("`{}` is no report", path.display()))?;
    fill(&arguments.page, &report, &arguments.data)?;
    Ok(End::Clean)
}

/// A table of a report.
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    fn new<const N: usize>(header: [&str; N]) -> Table {
        Table { header: header.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|{}\n", "---|".repeat(self.header.len()));
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}{rule}{rows}", line(&self.header))
    }
}

/// The tables of a report: rankings, evidence at mean tokens, kinds of questions, and tiers where they were measured.
pub(super) fn tables(report: &Report) -> Vec<Table> {
    [rankings(report), evidence(report), kinds(report)].into_iter().chain(report.tiers.as_ref().map(of_tiers)).collect()
}

fn of_tiers(report: &TierReport) -> Table {
    let mut table = Table::new(["choice of tiers", "evidence", "tokens embedded", "over the hull at equal cost"]);
    for way in &report.ways {
        let embedded = format!("{:.0}", way.embedded);
        table.rows.push(vec![way.name.clone(), percent(way.evidence), embedded, difference(way.over_hull)]);
    }
    table
}

fn rankings(report: &Report) -> Table {
    let mut table = Table::new(["ranking"]);
    table.header.extend(memory::evaluation::NAMES.map(str::to_owned));
    table.header.extend(["nDCG over BM25", "nDCG over search", "calibration error"].map(str::to_owned));
    for ranking in &report.rankings {
        let measure = |name: &&str| percent(ranking.measures.get(*name).copied().unwrap_or_default());
        let mut row = vec![ranking.name.clone()];
        row.extend(memory::evaluation::NAMES.iter().map(measure));
        row.extend([ranking.over_bm25, ranking.over_search].map(difference));
        row.push(ranking.calibration_error.map(|error| format!("{:.2}", error * 100.0)).unwrap_or_default());
        table.rows.push(row);
    }
    table
}

fn evidence(report: &Report) -> Table {
    let mut table = Table::new(["evidence at mean tokens"]);
    table.header.extend(BUDGETS.map(|budget| budget.to_string()));
    table
        .header
        .extend(["all at 400", "answer at 400", "over the hull at 400", "over the hull at 800"].map(str::to_owned));
    for frontier in &report.frontiers {
        let at = |budget: f64| frontier.at.iter().find(|at| at.budget >= budget);
        let mut row = vec![frontier.name.clone()];
        // A way that has no more to say stays below the budget.
        let is_whole = |budget: f64, tokens: f64| tokens <= budget * 1.01;
        row.extend(
            frontier
                .at
                .iter()
                .map(|at| if is_whole(at.budget, at.tokens) { percent(at.evidence) } else { "–".to_owned() }),
        );
        row.extend(
            [at(400.0).map(|at| percent(at.all)), at(400.0).map(|at| percent(at.answer))]
                .map(Option::unwrap_or_default),
        );
        row.extend([400.0, 800.0].map(|budget| difference(at(budget).and_then(|at| at.over_hull))));
        table.rows.push(row);
    }
    table
}

fn kinds(report: &Report) -> Table {
    let mut table = Table::new(["R@10 / nDCG@10 by kind"]);
    let first = report.rankings.first();
    let kinds = first.into_iter().flat_map(|ranking| &ranking.by_category);
    table.header.extend(kinds.map(|(kind, (questions, ..))| format!("{kind} ({questions})")));
    for ranking in &report.rankings {
        let cells =
            ranking.by_category.values().map(|(_, recall, gain)| format!("{} / {}", percent(*recall), percent(*gain)));
        table.rows.push([ranking.name.clone()].into_iter().chain(cells).collect());
    }
    table
}

/// Puts the figures of a report between the marks of a page, and its picture and itself beside it.
pub(super) fn fill(page: &Path, report: &Report, data: &str) -> Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| format!("cannot read `{}`", page.display()))?;
    let [begin, end] = MARKS;
    let parts = text.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) = parts.with_context(|| format!("`{}` has no marks for figures", page.display()))?;
    let picture = page.with_extension("svg");
    std::fs::write(&picture, svg(report)).with_context(|| format!("cannot write `{}`", picture.display()))?;
    let json = page.with_extension("json");
    let text = serde_json::to_string_pretty(report)? + "\n";
    std::fs::write(&json, text).with_context(|| format!("cannot write `{}`", json.display()))?;
    let name = picture.file_name().unwrap_or_default().to_string_lossy();
    let about = format!(
        "`{data}`: {} in {}, ×100. The full context has {:.0} tokens.\n\n![Evidence recall against mean tokens]({name})\n",
        plural(report.questions, "question"),
        plural(report.conversations, "conversation"),
        report.full_tokens
    );
    let tables: Vec<String> = tables(report).iter().map(Table::markdown).collect();
    let of_tiers = report.tiers.as_ref().map(|tiers| format!(" Of the tiers: {}.", tiers.guard.reason));
    let (guard, of_tiers) = (&report.guard.reason, of_tiers.unwrap_or_default());
    let figures = format!("{about}\n{}\nGuard: {guard}.{of_tiers}\n", tables.join("\n"));
    std::fs::write(page, format!("{before}{begin}{figures}{end}{after}"))
        .with_context(|| format!("cannot write `{}`", page.display()))
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

fn difference(difference: Option<Difference>) -> String {
    let shown = |Difference { mean, low, high }: Difference| {
        format!("{:+.1} ({:+.1} to {:+.1})", mean * 100.0, low * 100.0, high * 100.0)
    };
    difference.map_or_else(String::new, shown)
}
