//! What a language model proposes to make of a message, and what of it is believed.
//!
//! INVARIANTS: nothing here calls a model: a proposal comes in as data and is checked like anybody's. Its quote must be an
//! exact part of the message, so that no rule rests on words that the user did not say; whether its check compiles and
//! passes its own examples is for the caller to try. The JSON Schema that a model is shown is made from these types.

use crate::{
    Class, Correction, Decision, Directive, Event, Example, Rule, RuleId, Scope, State, Strength, Understanding,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// How sure a proposal of a model is taken to be that it was understood.
const CONFIDENCE: f32 = 0.5;
/// The most rules that are taken from one answer.
const MAX_RULES: usize = 8;
/// The most examples of a rule.
const MAX_EXAMPLES: usize = 16;
/// The longest title, in characters.
const MAX_TITLE_CHARS: usize = 120;

/// What a model makes of a message.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposals {
    /// The rules that are meant to hold from now on; empty where nothing is.
    pub rules: Vec<Proposal>,
}

/// A rule that a model proposes.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The exact part of the message that it rests on, character by character.
    pub quote: String,
    /// A name for the behaviour, in lower case with hyphens, such as `npm-instead-of-pnpm`.
    pub id: String,
    /// What it asks, in one short line.
    pub title: String,
    /// How much it is meant.
    #[serde(default)]
    pub strength: Strength,
    /// What decides whether it is kept: a check wherever one can.
    pub decided_by: Decision,
    /// What it asks, where a check decides it.
    #[serde(default)]
    pub check: Option<Directive>,
    /// Where it applies.
    #[serde(default)]
    pub scope: Scope,
    /// For a check: at least one example that violates it and one close by that does not.
    #[serde(default)]
    pub examples: Vec<ProposedExample>,
}

/// An example of a rule that a model proposes.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposedExample {
    /// Whether the last event violates the rule.
    pub violates: bool,
    /// The events, oldest first.
    pub events: Vec<Event>,
}

/// Why a proposal is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// The user did not say that.
    #[error("{kind}: `{0}`", kind = self.kind())]
    Quote(String),
    /// It has no title, or one that is no title.
    #[error("{}", self.kind())]
    Title,
    /// A check decides it, and there is none, or the other way round.
    #[error("{}", self.kind())]
    Check(bool),
    /// There are more than anybody would read.
    #[error("{}", self.kind())]
    TooMany,
}

impl NotBelieved {
    /// The reason without anything of the message or the answer.
    pub fn kind(&self) -> &'static str {
        match self {
            NotBelieved::Quote(_) => "its quote is no part of the message",
            NotBelieved::Title => "its title is no title",
            NotBelieved::Check(_) => "its check and what decides it do not agree",
            NotBelieved::TooMany => "there are too many",
        }
    }
}

impl Proposals {
    /// The rules that can be believed, and why the others are not.
    pub fn believed(&self, correction: &Correction) -> (Vec<Rule>, Vec<NotBelieved>) {
        let (mut rules, mut not): (Vec<Rule>, Vec<NotBelieved>) = (Vec::new(), Vec::new());
        for (number, proposal) in self.rules.iter().enumerate() {
            let rule = if number < MAX_RULES { proposal.believed(correction) } else { Err(NotBelieved::TooMany) };
            match rule {
                Ok(mut rule) => {
                    let taken = rules.iter().any(|other| other.id == rule.id);
                    rule.id =
                        if taken { rule.id.numbered(u32::try_from(number + 1).unwrap_or(u32::MAX)) } else { rule.id };
                    rules.push(rule);
                }
                Err(why) => not.push(why),
            }
        }
        (rules, not)
    }
}

impl Proposal {
    fn believed(&self, correction: &Correction) -> Result<Rule, NotBelieved> {
        let quote = self.quote.trim();
        if quote.is_empty() || !correction.text.contains(quote) {
            return Err(NotBelieved::Quote(quote.chars().take(80).collect()));
        }
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() || title.chars().count() > MAX_TITLE_CHARS {
            return Err(NotBelieved::Title);
        }
        if self.decided_by.is_check() != self.check.is_some() {
            return Err(NotBelieved::Check(self.decided_by.is_check()));
        }
        if self.examples.len() > MAX_EXAMPLES {
            return Err(NotBelieved::TooMany);
        }
        Ok(Rule {
            id: RuleId::slug(&self.id),
            title,
            state: State::Proposed,
            strength: self.strength,
            decided_by: self.decided_by,
            confidence: Some(CONFIDENCE),
            superseded_by: None,
            split_into: Vec::new(),
            refines: None,
            scope: self.scope.clone(),
            check: self.check.clone(),
            remind_when: None,
            said: vec![correction.quote(quote)],
            examples: self.examples.iter().map(|example| Example::of(example.violates, &example.events)).collect(),
        })
    }
}

/// Whether a model could add something to what was understood: something that was said for good has no check yet, or nothing
/// was found at all.
pub fn leaves_open(understood: &Understanding) -> bool {
    understood.class != Class::Durable || understood.rules.iter().any(|rule| rule.check.is_none())
}

/// What was understood, with rules of a model in the place of what had no check, where they are for the same words, and
/// besides it where they are for others.
#[must_use]
pub fn joined(correction: &Correction, understood: Understanding, proposed: Vec<Rule>) -> Understanding {
    if proposed.is_empty() {
        return understood;
    }
    let quote = |rule: &Rule| rule.said.first().map(|said| said.quote.clone()).unwrap_or_default();
    let overlaps = |one: &str, other: &str| one.contains(other) || other.contains(one);
    let Understanding { mut rules, mut evidence, .. } = understood;
    for rule in proposed {
        let words = quote(&rule);
        let known = rules.iter().any(|known| known.check.is_some() && overlaps(&quote(known), &words));
        // What the grammar has made a check of needs no second one, and a second reminder of the same helps nobody.
        let reminds = rule.check.is_none() && rules.iter().any(|known| overlaps(&quote(known), &words));
        if known || reminds {
            continue;
        }
        rules.retain(|known| known.check.is_some() || !overlaps(&quote(known), &words));
        if let Some(start) = correction.text.find(&words) {
            evidence.push(start..start + words.len());
        }
        rules.push(rule);
    }
    Understanding {
        class: Class::Durable,
        evidence,
        rules,
        why: "said for good, as a language model proposes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lexicon, understand};
    use serde_json::json;

    fn proposals(rules: &serde_json::Value) -> Proposals {
        serde_json::from_value(json!({ "rules": rules })).unwrap()
    }

    #[test]
    fn what_the_user_did_not_say_is_not_believed() {
        let correction = Correction::of("Keep the bundle slim: no moment.js any more.");
        let check = json!({ "pattern": "absence", "never": { "command": "npm install moment" } });
        let rule = |quote: &str, decided_by: &str, check: serde_json::Value| json!({ "quote": quote, "id": "No Moment", "title": "no moment.js", "decided_by": decided_by, "check": check });
        let cases = [
            (rule("no moment.js any more", "check", check.clone()), None),
            (
                rule("never use moment.js", "check", check.clone()),
                Some(NotBelieved::Quote("never use moment.js".to_owned())),
            ),
            (rule("", "check", check.clone()), Some(NotBelieved::Quote(String::new()))),
            (rule("no moment.js", "check", json!(null)), Some(NotBelieved::Check(true))),
            (rule("no moment.js", "judged", check), Some(NotBelieved::Check(false))),
        ];
        for (proposed, expected) in cases {
            let (rules, not) = proposals(&json!([proposed])).believed(&correction);
            assert_eq!(not.first(), expected.as_ref(), "{proposed}");
            assert_eq!(rules.len(), usize::from(expected.is_none()));
            assert!(rules.iter().all(|rule| rule.id.as_str() == "no-moment" && rule.state == State::Proposed));
        }
        let many = vec![rule("no moment.js", "judged", json!(null)); MAX_RULES + 2];
        let (rules, not) = proposals(&json!(many)).believed(&correction);
        assert_eq!((rules.len(), not.len()), (MAX_RULES, 2));
        let names: std::collections::BTreeSet<_> = rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(names.len(), MAX_RULES, "each has a name of its own");
    }

    #[test]
    fn what_the_grammar_has_made_a_check_of_stays_as_it_is() {
        let correction = Correction::of("never use npm here, use pnpm");
        let understood = understand(&correction, Lexicon::builtin());
        assert!(!leaves_open(&understood));
        let other = json!([{ "quote": "never use npm", "id": "x", "title": "x", "decided_by": "judged" }]);
        let (rules, _) = proposals(&other).believed(&correction);
        assert_eq!(joined(&correction, understood.clone(), rules).rules, understood.rules);
        assert_eq!(joined(&correction, understood.clone(), Vec::new()), understood);
    }
}
