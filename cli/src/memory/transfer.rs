//! Importing and exporting: the files are opened here.

use super::{Author, Work};
use crate::End;
use crate::output::{self, PlainFormat, is_watched, note};
use ::memory::import::{self, Choice, Format, Problem, Report};
use anyhow::{Context, Result};
use indicatif::ProgressBar;
use serde_json::json;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much of a file tells its format, in bytes.
const HEAD_BYTES: usize = 64 * 1024;

/// Take over what other programs remember
///
/// Understands mem0 exports, the MCP knowledge-graph server's file, Markdown, `LoCoMo` and `LongMemEval`, transcripts of Claude Code,
/// Codex, Gemini CLI and Copilot CLI, histories of Aider, exports of `SpecStory`, and `trace memory export`. Folders are searched for files with known endings. What is there already
/// is not added twice.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory import mem0.json notes/
  trace memory import ~/.claude/projects --from claude-code
  trace memory import memories.jsonl

Exit codes: 0 all taken, 1 some of it was not, 2 could not run.")]
pub(super) struct Import {
    /// The files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What the files are [default: told by their content]: mem0, knowledge-graph, markdown, locomo, longmemeval,
    /// claude-code, codex, gemini, copilot, aider, specstory or trace
    #[arg(long, value_name = "FORMAT")]
    from: Option<Format>,
    /// Take what tools answered from transcripts too, as text from outside
    #[arg(long)]
    tools: bool,
    #[command(flatten)]
    author: Author,
}

impl Import {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        let mut files = Vec::new();
        for path in &self.paths {
            files_of(path, &mut files).with_context(|| format!("cannot read `{}`", path.display()))?;
        }
        let by = self.author.agent();
        let report = {
            let bar = if is_watched() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
            bar.enable_steady_tick(Duration::from_millis(100));
            let mut progress =
                |report: &Report| bar.set_message(format!("{} added, {} known", report.added, report.known));
            let memories = work.service.memories();
            let mut import = import::Import::new(memories, &work.tenant, by.as_str(), &mut progress);
            for file in &files {
                self.file(file, &mut import)?;
            }
            bar.finish_and_clear();
            import.report
        };
        for problem in &report.problems {
            note(&problem.to_string());
        }
        if work.format == PlainFormat::Json {
            output::json(work.out, &report)?;
        } else {
            let (Report { added, known, .. }, problems) = (&report, report.problems.len());
            writeln!(work.out, "{added} added, {known} known already, {problems} not taken")?;
        }
        Ok(if report.problems.is_empty() { End::Clean } else { End::Findings })
    }

    fn file(&self, path: &Path, import: &mut import::Import<'_>) -> Result<()> {
        let name = path.display().to_string();
        let mut file = match File::open(path) {
            Ok(file) => BufReader::with_capacity(HEAD_BYTES, file),
            Err(error) => {
                let (what, help) = (error.to_string(), "the other files are imported".to_owned());
                import.report.problems.push(Problem { file: name, at: String::new(), what, help });
                return Ok(());
            }
        };
        let head = file.fill_buf().with_context(|| format!("cannot read `{name}`"))?;
        let format = self.from.or_else(|| Format::detect(&name, &String::from_utf8_lossy(head)));
        let Some(format) = format else {
            let what = "nothing tells what this file is".to_owned();
            let help = "name its format with `--from`".to_owned();
            import.report.problems.push(Problem { file: name, at: String::new(), what, help });
            return Ok(());
        };
        Ok(import.file(format, &name, file, Choice { tools: self.tools })?)
    }
}

/// The files that a path means, in the order of names: itself, or those of the folder and its folders that have a known ending.
fn files_of(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // Links are not followed: they may lead in circles.
        let kind = entry.file_type()?;
        let known = entry
            .path()
            .extension()
            .is_some_and(|end| ["md", "markdown", "json", "jsonl"].iter().any(|known| end == *known));
        if kind.is_dir() {
            files_of(&entry.path(), files)?;
        } else if kind.is_file() && known {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Write everything that is remembered as lines of JSON
///
/// `trace memory import` takes it back without loss: ids, times and histories stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory export memories.jsonl
  trace memory export > memories.jsonl")]
pub(super) struct Export {
    /// The file [default: standard output]
    file: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        let Some(path) = &self.file else {
            work.service.memories().export(&work.tenant, &mut work.out)?;
            return Ok(End::Clean);
        };
        let cannot = || format!("cannot write `{}`", path.display());
        let mut file = BufWriter::new(File::create(path).with_context(cannot)?);
        let count = work.memories().export(&work.tenant, &mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(cannot)?.sync_all()?;
        work.tell(&json!({"exported": count}), &format!("{count} exported"))?;
        Ok(End::Clean)
    }
}
