//! Measures how well sentences are understood: a labelled record goes in, what the product makes of it comes out.
//!
//! What a record is a record of is told by its fields. Nothing here is a shortcut: a record's text is understood, its
//! rules are compiled and its actions are judged as they are everywhere else. [`score`] holds what is made of it against
//! the labels.

mod kind;
pub mod score;

use compiler::{Check, Checker, Checks, NoWorkspace};
use rules::correction::{Context, LineError};
use rules::{
    Class, Correction, Decision, Directive, Event, EventKind, Lexicon, Rule, State, Understanding, understand,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use kind::{coarse, kind};

/// A labelled record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its name.
    pub id: String,
    /// Where it was taken from.
    pub source: String,
    /// What it is a record of.
    pub case: Case,
}

/// What a record is a record of.
#[derive(Debug, Clone)]
pub enum Case {
    /// A sentence of a document for agents.
    Sentence(Box<Sentence>),
    /// A message of a chat.
    Message(Message),
    /// An action, and whether each rule is violated by it, by the rule's name.
    Example(Example),
}

/// A sentence of a document for agents.
#[derive(Debug, Clone)]
pub struct Sentence {
    /// The sentence.
    pub text: String,
    /// What surrounds it.
    pub context: Option<Context>,
    /// The label: the kind of rule, or `none`.
    pub kind: String,
    /// The label: whether a check can decide it.
    pub deterministic: bool,
    /// What a check for it would look at, in words.
    pub expected: String,
    /// An action that violates it and a close one that does not.
    pub pair: Option<(Event, Event)>,
}

/// A message of a chat.
#[derive(Debug, Clone)]
pub struct Message {
    /// The message, with what surrounded it.
    pub correction: Correction,
    /// The label: the kind of message or rule.
    pub kind: String,
    /// The label: whether it says that something was wrong; absent where nobody said.
    pub is_correction: Option<bool>,
    /// The label: whether a rule should follow from it.
    pub durable: bool,
    /// Whether it was made up.
    pub synthetic: bool,
}

/// An action that was judged by somebody else.
#[derive(Debug, Clone)]
pub struct Example {
    /// The action.
    pub action: Event,
    /// What the rule says, where the record itself does.
    pub text: Option<String>,
    /// Each name of a rule with how its answer is named and whether it is violated.
    pub official: Vec<(String, String, bool)>,
    /// Whether the example is about one rule only.
    pub single: bool,
    /// The rule's name where the record gives it one of its own.
    pub rule: Option<String>,
}

/// The fields that records have, of which each sort has some.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    id: String,
    text: Option<String>,
    context: Option<Context>,
    kind: String,
    deterministic: bool,
    expected_check: String,
    positive_example: Option<Event>,
    negative_example: Option<Event>,
    durable: Option<bool>,
    is_correction: Option<bool>,
    synthetic: bool,
    action: Option<Event>,
    official_violates: Option<bool>,
    official: BTreeMap<String, Official>,
    scenario: String,
    rule: Option<String>,
    source: String,
    source_repo: String,
    single_rule: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Official {
    violates: bool,
}

impl Record {
    /// Reads a line of a corpus.
    ///
    /// # Errors
    /// What is wrong with it, with the column.
    pub fn read(line: &str) -> Result<Self, LineError> {
        let fields: Fields = serde_json::from_str(line).map_err(|error| LineError::of(line, &error))?;
        let wrong = |message: &str| LineError { column: 1, message: message.to_owned() };
        if fields.id.is_empty() {
            return Err(wrong("the record has no `id`"));
        }
        let source = if fields.source_repo.is_empty() { &fields.source } else { &fields.source_repo }.clone();
        let id = fields.id.clone();
        let case = fields.case().ok_or_else(|| {
            wrong(
                "the record is of no known sort: it needs `durable`, or `kind` with `deterministic`, or `action` with \
                 `official_violates` or `official`",
            )
        })?;
        Ok(Self { id, source, case })
    }
}

impl Fields {
    fn case(self) -> Option<Case> {
        if let Some(action) = self.action {
            let official: Vec<_> = match self.official_violates {
                Some(violates) => vec![(self.source, self.id, violates)],
                None => (self.official.iter())
                    .map(|(rule, label)| {
                        (format!("ca-rule-{}-{rule}", self.scenario), format!("{}#{rule}", self.id), label.violates)
                    })
                    .collect(),
            };
            let single = self.single_rule != Some(false);
            return (!official.is_empty()).then_some(Case::Example(Example {
                action,
                text: self.text,
                official,
                single,
                rule: self.rule,
            }));
        }
        let text = self.text?;
        if let Some(durable) = self.durable {
            return Some(Case::Message(Message {
                correction: Correction { context: self.context, ..Correction::of(text) },
                kind: self.kind,
                is_correction: self.is_correction,
                durable,
                synthetic: self.synthetic,
            }));
        }
        (!self.kind.is_empty()).then_some(Case::Sentence(Box::new(Sentence {
            text,
            context: self.context,
            kind: self.kind,
            deterministic: self.deterministic,
            expected: self.expected_check,
            pair: self.positive_example.zip(self.negative_example),
        })))
    }
}

/// What is made of a record, in the form that is printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Of a sentence.
    Sentence {
        /// The record's name.
        id: String,
        /// Whether it is taken for a rule.
        detected: bool,
        /// The rules that it becomes; none where nothing but judgement can decide it.
        rules: Vec<Made>,
        /// How its two actions are judged.
        #[serde(skip_serializing_if = "Option::is_none")]
        verdicts: Option<Pair>,
    },
    /// Of a message.
    Message {
        /// The record's name.
        id: String,
        /// Whether something was wrong or unwanted.
        is_correction: bool,
        /// Whether a rule follows.
        durable: bool,
        /// The rules.
        rules: Vec<Made>,
    },
    /// Of an action.
    Example {
        /// The record's name; for one of several rules, with that behind it.
        id: String,
        /// The judgement.
        verdict: Judgement,
    },
}

/// A rule as an answer shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Made {
    /// Its kind, as the corpora name them.
    pub kind: &'static str,
    /// Whether a check decides it.
    pub deterministic: bool,
    /// What it says.
    pub text: String,
    /// The check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Directive>,
}

/// How the two actions of a sentence are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// The one that violates it.
    pub positive: Judgement,
    /// The one that does not.
    pub negative: Judgement,
}

/// A judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// A check is violated.
    Violate,
    /// No check is violated.
    Ok,
    /// There is no check.
    Unknown,
}

/// Texts of rules that examples name, and what became of them.
#[derive(Debug, Default)]
pub struct Evaluation {
    texts: BTreeMap<String, Named>,
    compiled: BTreeMap<String, Compiled>,
}

/// The checks of a text.
#[derive(Debug)]
struct Compiled {
    checks: Checks,
    /// Whether all of them are about what is answered.
    replies: bool,
}

/// Whether what is checked elsewhere follows from a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derivable {
    /// All of it does, as where nothing is said of it.
    Yes,
    /// A part does, or the check does not check what the text says.
    Partly,
    /// None does: nobody who knows only the text can tell.
    No,
}

/// A text that examples name.
#[derive(Debug, Deserialize)]
struct Named {
    id: String,
    text: String,
    /// `preference` where it is a rule of a document; anything else was said in a chat.
    #[serde(default, rename = "type")]
    sort: String,
    /// Whether what is officially checked follows from it.
    #[serde(default)]
    text_derivable: Option<String>,
}

impl Evaluation {
    /// Learns a text that examples name, from a line of its own.
    ///
    /// # Errors
    /// What is wrong with it, with the column.
    pub fn learn(&mut self, line: &str) -> Result<(), LineError> {
        let text: Named = serde_json::from_str(line).map_err(|error| LineError::of(line, &error))?;
        self.texts.insert(text.id.clone(), text);
        Ok(())
    }

    /// Whether what is officially checked under a name follows from the text of that name.
    pub fn derivable(&self, name: &str) -> Derivable {
        match self.texts.get(name).and_then(|text| text.text_derivable.as_deref()) {
            None | Some("yes") => Derivable::Yes,
            Some("no") => Derivable::No,
            Some(_) => Derivable::Partly,
        }
    }

    /// What is made of a record: one answer, or one for each rule of an example.
    pub fn answers(&mut self, record: &Record) -> Vec<Answer> {
        match &record.case {
            Case::Sentence(sentence) => vec![answer_sentence(&record.id, sentence)],
            Case::Message(message) => vec![answer_message(&record.id, message)],
            Case::Example(example) => example
                .official
                .iter()
                .map(|(name, id, _)| {
                    let compiled = self.compiled(name, example.text.as_deref());
                    let answered = matches!(example.action.kind, EventKind::Stop { .. });
                    // What is to be answered is not shown by a file that is written.
                    let shown = answered || !compiled.replies;
                    let verdict = if shown { judged(&compiled.checks, &example.action) } else { Judgement::Unknown };
                    Answer::Example { id: id.clone(), verdict }
                })
                .collect(),
        }
    }

    /// The checks of a text that is given, or known by its name.
    fn compiled(&mut self, name: &str, text: Option<&str>) -> &Compiled {
        let known = self.texts.get(name);
        let key = text.map_or_else(|| name.to_owned(), str::to_owned);
        self.compiled.entry(key).or_insert_with(|| {
            let understood = match (text, known) {
                (Some(text), _) => read(text, None),
                (None, Some(known)) if known.sort == "preference" => read(&known.text, None),
                (None, Some(known)) => understand(&Correction::of(&known.text), Lexicon::builtin()),
                (None, None) => return Compiled { checks: checks(&[]), replies: false },
            };
            let mut decided = understood.rules.iter().filter(|rule| rule.check.is_some());
            let replies = decided.all(|rule| kind(rule) == "reply_text");
            Compiled { checks: checks(&understood.rules), replies }
        })
    }
}

/// Understands a sentence of a document for agents.
pub fn read(text: &str, context: Option<&Context>) -> Understanding {
    let source = Some("AGENTS.md".to_owned());
    understand(&Correction { context: context.cloned(), source, ..Correction::of(text) }, Lexicon::builtin())
}

/// The rules that checks decide, as armed checks.
pub fn checks(rules: &[Rule]) -> Checks {
    let armed = |rule: &Rule| Check::of(&Rule { state: State::Armed, ..rule.clone() }).ok();
    Checks::of(&rules.iter().filter_map(armed).collect::<Vec<_>>(), [0; 32])
}

/// Whether an action violates any of the checks, now or in its history.
pub fn judged(checks: &Checks, action: &Event) -> Judgement {
    if checks.is_empty() {
        Judgement::Unknown
    } else if Checker::new(checks).observe(action, &NoWorkspace).is_empty() {
        Judgement::Ok
    } else {
        Judgement::Violate
    }
}

fn answer_sentence(id: &str, sentence: &Sentence) -> Answer {
    let understood = read(&sentence.text, sentence.context.as_ref());
    let checks = checks(&understood.rules);
    let verdicts = sentence
        .pair
        .as_ref()
        .map(|(positive, negative)| Pair { positive: judged(&checks, positive), negative: judged(&checks, negative) });
    let detected = understood.class == Class::Durable;
    Answer::Sentence { id: id.to_owned(), detected, rules: made(&understood, !checks.is_empty()), verdicts }
}

fn answer_message(id: &str, message: &Message) -> Answer {
    let understood = understand(&message.correction, Lexicon::builtin());
    Answer::Message {
        id: id.to_owned(),
        is_correction: understood.class != Class::NotACorrection,
        durable: understood.class == Class::Durable,
        rules: made(&understood, true),
    }
}

/// The rules of a message; `checked` tells whether a check could be compiled of any.
fn made(understood: &Understanding, checked: bool) -> Vec<Made> {
    let made = |rule: &Rule| Made {
        kind: kind(rule),
        deterministic: checked && rule.decided_by == Decision::Check,
        text: rule.title.clone(),
        check: rule.check.clone(),
    };
    // What a check decides comes first: it is what the message is held to.
    let (decided, others): (Vec<_>, Vec<_>) = understood.rules.iter().map(made).partition(|rule| rule.deterministic);
    decided.into_iter().chain(others).collect()
}
