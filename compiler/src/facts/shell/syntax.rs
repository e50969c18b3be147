//! The syntax tree of a shell text: only what running it, as far as it can be told, needs to know.
//!
//! Branches are not told apart: whether `if`, `&&` or `case` takes a way is not known before it runs, so every way counts.

use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

/// Stands for a part of a text that cannot be told, such as the value of an unset variable.
///
/// It is a noncharacter, so it means nothing in a text; a text that holds it all the same is only known less well.
pub(super) const HOLE: char = '\u{10FFFF}';

/// The texts of one parameter expansion or assignment.
pub(super) type Pieces = Vec<Piece>;

/// Commands one after the other.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) items: Vec<Item>,
}

/// A pipeline.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) commands: Vec<Command>,
    /// Whether it stands after `&&` or `||`.
    pub(super) conditional: bool,
    /// Whether `&` follows it.
    pub(super) background: bool,
}

/// A command with its redirections.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) kind: Kind,
    pub(super) redirects: Vec<Redirect>,
    pub(super) span: Range<usize>,
}

/// The kinds of commands.
#[derive(Debug)]
pub(super) enum Kind {
    /// Assignments and words; `arrays` are the array assignments among the words, as in `declare -a x=(1 2)`.
    Simple { assignments: Vec<Assignment>, words: Vec<Word>, arrays: Vec<Assignment> },
    /// `{ … }`.
    Group(Program),
    /// `( … )`.
    Subshell(Program),
    /// `for name in words; do … done`, also `select`.
    For { name: String, words: Option<Vec<Word>>, body: Program },
    /// `if`, `while`, `until`, `case`, `[[ … ]]`, `(( … ))`: words that are expanded and programs of which some run.
    Branches { words: Vec<Word>, bodies: Vec<Program> },
    /// `name() …`.
    Function { name: String, body: Rc<Command> },
    /// `coproc …`.
    Coproc(Box<Command>),
}

/// `name=value`, `name+=value`, `name[index]=value` or `name=(values)`.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) index: Option<Pieces>,
    pub(super) append: bool,
    pub(super) value: Value,
}

/// What is assigned.
#[derive(Debug)]
pub(super) enum Value {
    One(Word),
    Array(Vec<Word>),
}

/// A redirection.
#[derive(Debug)]
pub(super) struct Redirect {
    /// The file descriptor; `None` where the operator's own is meant.
    pub(super) fd: Option<String>,
    pub(super) target: Target,
}

/// Where a redirection leads.
#[derive(Debug)]
pub(super) enum Target {
    Read(Word),
    Write(Word),
    Append(Word),
    /// The body, which is read when the line ends.
    HereDocument(Rc<OnceCell<Word>>),
    HereString(Word),
    /// `<&5`.
    ReadFrom(Word),
    /// `2>&1` and `>&-`.
    Duplicate,
}

/// A word before expansion.
#[derive(Debug, Clone, Default)]
pub(super) struct Word {
    pub(super) pieces: Pieces,
}

/// A part of a word.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) kind: PieceKind,
    /// Whether it stands in quotes, so that it is neither split nor a pattern.
    pub(super) quoted: bool,
}

/// The kinds of parts.
#[derive(Debug, Clone)]
pub(super) enum PieceKind {
    Text(String),
    Parameter(Box<Parameter>),
    /// `$( … )` and its older spelling.
    Output(Rc<Program>),
    /// `<( … )` and `>( … )`; whether it is written to.
    Process(Rc<Program>, bool),
    /// `$(( … ))`.
    Arithmetic(Pieces),
}

/// A parameter expansion.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) index: Option<Pieces>,
    /// `${!name}`.
    pub(super) indirect: bool,
    /// `${#name}`.
    pub(super) length: bool,
    /// The operator, such as `:-`, `##` or `//`; empty without one.
    pub(super) operator: String,
    /// What follows the operator; in two parts for `/` and `:`.
    pub(super) operands: Vec<Pieces>,
}

impl Piece {
    /// Literal text.
    pub(super) fn text(text: impl Into<String>, quoted: bool) -> Self {
        Self { kind: PieceKind::Text(text.into()), quoted }
    }
}

impl Word {
    /// The word's text if it is written out with neither quotes nor expansions, as reserved words and aliases must be.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece { kind: PieceKind::Text(text), quoted: false }] => Some(text),
            _ => None,
        }
    }
}
