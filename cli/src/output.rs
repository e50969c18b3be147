//! Where everything is printed: results to standard output, all else to standard error.

use anyhow::Result;
use clap::ValueEnum;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents};
use miette::{Report, SourceCode, SourceSpan, SpanContents};
use rules::{Code, Diagnostic, Severity, Span};
use serde::Serialize;
use server::EngineError;
use std::io::{IsTerminal, Write};

/// The widest that a table gets where the output is not a terminal, in columns.
const PLAIN_WIDTH: u16 = 120;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For scripts: one JSON object a line, the last one is the sum.
    Json,
    /// For a pull request or a page.
    Markdown,
    /// For code scanning services (SARIF 2.1.0).
    Sarif,
}

/// How results without findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum PlainFormat {
    /// For people.
    #[default]
    Table,
    /// For scripts: one JSON object a line.
    Json,
}

/// Standard output, buffered; colours are left out where nobody would see them.
pub(crate) fn out() -> impl Write {
    std::io::BufWriter::new(anstream::stdout().lock())
}

/// Whether a person watches standard error.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// The width of tables, in columns.
pub(crate) fn width() -> u16 {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked.or_else(|| comfy_table::Table::new().width()).unwrap_or(PLAIN_WIDTH).max(60)
}

/// Prints one JSON object on a line of its own.
pub(crate) fn json(out: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Prints a diagnostic for a person, with the line that it is about.
pub(crate) fn diagnostic(diagnostic: &Diagnostic) {
    let severity = match diagnostic.severity {
        Severity::Advice => miette::Severity::Advice,
        Severity::Warning => miette::Severity::Warning,
        Severity::Error => miette::Severity::Error,
    };
    let mut told = MietteDiagnostic::new(&diagnostic.message)
        .with_code(diagnostic.code.to_string())
        .with_severity(severity)
        .with_help(format!("{}\nmore: trace explain {}", diagnostic.help, diagnostic.code));
    let mut place = String::new();
    let mut source = None;
    if let Some(span) = &diagnostic.span {
        let column = span.column.saturating_sub(1).min(span.text.len());
        if span.text.is_empty() {
            place = format!("{}:{}:{}: ", span.file, span.line, span.column);
        } else {
            let length = span.length.min(span.text.len() - column);
            told = told.with_label(LabeledSpan::new(None, column, length));
            source = Some(OneLine(span.clone()));
        }
    }
    told.message = place + &told.message;
    let report = match source {
        Some(source) => Report::new(told).with_source_code(source),
        None => Report::new(told),
    };
    let coloured = std::io::stderr().is_terminal();
    let theme = if coloured { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    let mut text = String::new();
    if handler.render_report(&mut text, report.as_ref()).is_ok() {
        // Nothing can be done where standard error is closed.
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

/// The line that a diagnostic is about, which is all that is kept of its file.
#[derive(Debug)]
struct OneLine(Span);

impl SourceCode for OneLine {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Span { file, line, text, .. } = &self.0;
        let whole = SourceSpan::from((0, text.len()));
        let line = line.saturating_sub(1);
        Ok(Box::new(MietteSpanContents::new_named(file.clone(), text.as_bytes(), whole, line, span.offset(), 1)))
    }
}

/// Prints a text as it stands on one line: what could end the line, move the cursor or turn the text around is escaped as
/// in JSON, so that JSON stays the same JSON.
pub(crate) fn shown(text: &str) -> String {
    let escaped = |c: char| match c {
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if escaped(c) { shown += &format!("\\u{:04x}", u32::from(c)) } else { shown.push(c) }
    }
    shown
}

/// The beginning of a text, at most so many columns wide; no character is wider than it has bytes.
pub(crate) fn shortened(text: &str, columns: usize) -> String {
    if text.len() <= columns {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(columns.saturating_sub(1));
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// Tells a person something that is no result.
pub(crate) fn note(text: &str) {
    // Nothing can be done where standard error is closed.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints why a command could not run.
pub(crate) fn failure(error: &anyhow::Error) {
    if let Some(unknown @ EngineError::UnknownRule { .. }) = error.downcast_ref() {
        return diagnostic(&Diagnostic::of(Code::UnknownRule, unknown.to_string()));
    }
    let causes = error.chain().skip(1).map(|cause| format!(": {cause}")).collect::<Vec<_>>().concat();
    // Nothing can be done where standard error is closed.
    let _ = writeln!(anstream::stderr(), "trace: {error}{causes}");
}
