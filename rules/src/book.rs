//! The rule book: all rules, in order of their names, and what a new one means to it.
//!
//! INVARIANTS: admitting the same proposal twice changes nothing the second time; admitting costs no more in a large
//! book than in a small one, since everything that a proposal is compared with is found by a hash.
//!
//! The book compares rules by their form. Whether two rules can both be kept is for the conflict checker; only the exact
//! reverse of an older rule is recognised here, because it takes that rule's place.

mod life;
mod normal;

pub use life::{Action, Change, NotAllowed, Trail, transition};

use crate::rule::{Quote, Rule, RuleId, State, Strength};
use crate::{Directive, Pattern, Predicate};
use normal::Key;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How many quotes a rule holds; further ones stay in `.trace/corrections.jsonl` alone.
const MOST_QUOTES: usize = 64;

/// How many exceptions a rule takes on, since a check watches at most eight predicates.
const MOST_EXCEPTIONS: usize = 8;

/// How many of its own clean examples a rule keeps when newer words change it.
const MOST_EXAMPLES_KEPT: usize = 16;

/// All rules, by name.
#[derive(Debug, Clone, Default)]
pub struct RuleBook {
    rules: BTreeMap<RuleId, Rule>,
    /// The rule with this check, whatever its exceptions.
    checks: HashMap<Key, RuleId>,
    /// The rule that holds, and is not retired, with what reverses it.
    claims: HashMap<Key, RuleId>,
    /// The quotes of each rule.
    cited: HashSet<Key>,
    /// The rule that was made of a quote: by its form, and for one that an earlier run left, by its name too.
    made: HashMap<Key, RuleId>,
    /// The first number that may be free for a name.
    numbers: HashMap<RuleId, u32>,
}

/// What a proposed rule means to the book. Each rule that it holds is whole, to be written and inserted as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// Nothing like it is there; its name is free.
    New(Rule),
    /// It is there, and now cites these words too.
    Evidence(Rule),
    /// It is there and cites these words already, or enough others: nothing changes.
    Known(RuleId),
    /// It is there, and the newer words refine it: an exception, another replacement, more strength.
    Update(Rule),
    /// It is the exact reverse of an older rule and takes its place.
    Supersedes {
        /// The older rule, retired.
        old: Box<Rule>,
        /// The rule that takes its place.
        rule: Box<Rule>,
    },
}

impl Admission {
    /// The rule that the proposal has become or joined.
    pub fn id(&self) -> &RuleId {
        match self {
            Self::New(rule) | Self::Evidence(rule) | Self::Update(rule) => &rule.id,
            Self::Known(id) => id,
            Self::Supersedes { rule, .. } => &rule.id,
        }
    }

    /// The rules that change, in the order in which to write them.
    pub fn into_rules(self) -> Vec<Rule> {
        match self {
            Self::New(rule) | Self::Evidence(rule) | Self::Update(rule) => vec![rule],
            Self::Known(_) => Vec::new(),
            Self::Supersedes { old, rule } => vec![*rule, *old],
        }
    }
}

impl FromIterator<Rule> for RuleBook {
    /// The book of the rules that earlier runs have left.
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        let mut book = Self::default();
        for rule in rules {
            let names = [Some(rule.id.clone()), numbered(&rule.id).map(|(name, _)| name)];
            for name in names.into_iter().flatten() {
                book.made.extend(rule.said.iter().map(|quote| (normal::citation(&name, quote), rule.id.clone())));
            }
            book.insert(rule);
        }
        book
    }
}

impl RuleBook {
    /// The rule of this name.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.get(id)
    }

    /// All rules, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Puts a rule in the place of the one of its name, if there is one.
    pub fn insert(&mut self, rule: Rule) {
        if let Some(old) = self.rules.remove(&rule.id) {
            self.forget(&old);
        }
        let id = &rule.id;
        let live = rule.state != State::Retired;
        let key = normal::identity(&rule, true);
        if live || !self.checks.contains_key(&key) {
            self.checks.insert(key, id.clone());
        }
        if live {
            self.claims.extend(normal::claims(&rule).into_iter().map(|claim| (claim, id.clone())));
        }
        let form = normal::form(&rule);
        for quote in &rule.said {
            self.cited.insert(normal::citation(id, quote));
            self.made.insert(normal::citation(form, quote), id.clone());
        }
        if let Some((name, number)) = numbered(id) {
            let next = self.numbers.entry(name).or_default();
            *next = number.saturating_add(1).max(*next);
        }
        self.rules.insert(rule.id.clone(), rule);
    }

    /// Takes a rule out of what proposals are compared with.
    fn forget(&mut self, rule: &Rule) {
        let keys = std::iter::once(normal::identity(rule, true)).chain(normal::claims(rule));
        for key in keys {
            for index in [&mut self.checks, &mut self.claims] {
                if index.get(&key) == Some(&rule.id) {
                    index.remove(&key);
                }
            }
        }
        for quote in &rule.said {
            self.cited.remove(&normal::citation(&rule.id, quote));
        }
    }

    /// What a proposed rule means to the book; nothing changes until its rules are inserted.
    pub fn admit(&self, proposal: &Rule) -> Admission {
        let same = self.same(proposal);
        if let Some(id) = same.map(|rule| &rule.id).filter(|id| self.uncited(id, proposal).is_empty()) {
            return Admission::Known(id.clone());
        }
        if let Some(id) = self.made_of(proposal) {
            return Admission::Known(id.clone());
        }
        if let Some(old) = self.reversed(proposal) {
            let rule = match same {
                Some(same) => Rule { state: proposal.state, superseded_by: None, ..self.citing(same, proposal) },
                None => self.named_free(proposal),
            };
            let old = Rule { state: State::Retired, superseded_by: Some(rule.id.clone()), ..old.clone() };
            return Admission::Supersedes { old: Box::new(old), rule: Box::new(rule) };
        }
        if let Some(rule) = same.and_then(|same| self.refined(same, proposal)) {
            return Admission::Update(rule);
        }
        let Some(same) = same.or_else(|| self.general(proposal)) else {
            return Admission::New(self.named_free(proposal));
        };
        if same.said.len() >= MOST_QUOTES || self.uncited(&same.id, proposal).is_empty() {
            return Admission::Known(same.id.clone());
        }
        Admission::Evidence(self.citing(same, proposal))
    }

    /// The rule with the same check, whatever its exceptions and its state.
    fn same(&self, proposal: &Rule) -> Option<&Rule> {
        let same = self.rules.get(self.checks.get(&normal::identity(proposal, true))?)?;
        // A rule that holds all the exceptions it can still takes the proposals that need no more.
        (exceptions(same).len() < MOST_EXCEPTIONS || !adds_exception(same, proposal)).then_some(same)
    }

    /// The live rule that asks for the same without the proposal's `when`, and so for this too.
    fn general(&self, proposal: &Rule) -> Option<&Rule> {
        let check = proposal.check.as_ref().filter(|check| check.when.is_some() && check.unless.is_none())?;
        let rule = self.rules.get(self.checks.get(&normal::identity(proposal, false))?)?;
        let general = rule.check.as_ref().filter(|general| general.unless.is_none())?;
        let implies = rule.state != State::Retired
            && (rule.strength.is_must() || !proposal.strength.is_must())
            && !is_other_substitution(general, check);
        implies.then_some(rule)
    }

    /// The rule that the same words were made into before, in the same form, or by an earlier run under the same name; a
    /// person may have changed it since.
    fn made_of(&self, proposal: &Rule) -> Option<&RuleId> {
        let form = normal::form(proposal);
        let made = |quote| {
            let keys = [normal::citation(form, quote), normal::citation(&proposal.id, quote)];
            keys.iter().find_map(|key| self.made.get(key))
        };
        let mut made = proposal.said.iter().map(made);
        let first = made.next()??;
        made.all(|id| id == Some(first)).then_some(first)
    }

    /// The older live rule of which this is the exact reverse.
    fn reversed(&self, proposal: &Rule) -> Option<&Rule> {
        let mut candidates =
            normal::reverses(proposal).into_iter().filter_map(|key| self.rules.get(self.claims.get(&key)?));
        candidates.find(|old| normal::is_reverse(proposal, old) && later(proposal, old))
    }

    /// A rule with what a proposal changes of it, if it changes anything.
    fn refined(&self, rule: &Rule, proposal: &Rule) -> Option<Rule> {
        let (check, newer) = (rule.check.as_ref()?, proposal.check.as_ref()?);
        let strength = if proposal.strength.is_must() { Strength::Must } else { rule.strength };
        let pattern = if is_other_substitution(check, newer) { &newer.pattern } else { &check.pattern };
        let unless = match &newer.unless {
            Some(exception) if adds_exception(rule, proposal) => {
                let mut all: Vec<Predicate> = exceptions(rule).into_iter().cloned().collect();
                all.push(exception.clone());
                Some(if all.len() == 1 { exception.clone() } else { Predicate::Any(all) })
            }
            _ => check.unless.clone(),
        };
        if strength == rule.strength && *pattern == check.pattern && unless == check.unless {
            return None;
        }
        let check = Directive { pattern: pattern.clone(), unless, ..check.clone() };
        // What was clean stays clean under more exceptions; what was a violation need not stay one.
        let clean = rule.examples.iter().filter(|old| !old.violates && !proposal.examples.contains(old));
        let examples = proposal.examples.iter().chain(clean.take(MOST_EXAMPLES_KEPT)).cloned().collect();
        let title = proposal.title.clone();
        Some(Rule { title, strength, check: Some(check), examples, ..self.citing(rule, proposal) })
    }

    /// A rule that also cites the words of a proposal.
    fn citing(&self, rule: &Rule, proposal: &Rule) -> Rule {
        let room = MOST_QUOTES.saturating_sub(rule.said.len());
        let more = self.uncited(&rule.id, proposal).into_iter().take(room);
        let said = rule.said.iter().chain(more).cloned().collect();
        Rule { said, ..rule.clone() }
    }

    /// The quotes of a proposal that a rule does not cite.
    fn uncited<'p>(&self, id: &RuleId, proposal: &'p Rule) -> Vec<&'p Quote> {
        proposal.said.iter().filter(|quote| !self.cited.contains(&normal::citation(id, quote))).collect()
    }

    /// The proposal under a name that is free.
    fn named_free(&self, proposal: &Rule) -> Rule {
        let first = self.numbers.get(&proposal.id).copied().unwrap_or_default().max(2);
        let numbered = (first..=u32::MAX).map(|n| proposal.id.numbered(n));
        let free = std::iter::once(proposal.id.clone()).chain(numbered).find(|id| !self.rules.contains_key(id));
        Rule { id: free.unwrap_or_else(|| proposal.id.clone()), ..proposal.clone() }
    }
}

/// The exceptions of a rule.
fn exceptions(rule: &Rule) -> Vec<&Predicate> {
    match rule.check.as_ref().and_then(|check| check.unless.as_ref()) {
        None => Vec::new(),
        Some(Predicate::Any(parts)) => parts.iter().collect(),
        Some(other) => vec![other],
    }
}

/// Whether a proposal has an exception that the rule has not.
fn adds_exception(rule: &Rule, proposal: &Rule) -> bool {
    let old = normal::all(exceptions(rule));
    normal::all(exceptions(proposal)).iter().any(|exception| !old.contains(exception))
}

/// Whether the newer of two checks that forbid the same names another replacement.
fn is_other_substitution(old: &Directive, newer: &Directive) -> bool {
    match (&old.pattern, &newer.pattern) {
        (Pattern::Absence { .. }, Pattern::Substitution { .. }) => true,
        (Pattern::Substitution { instead: old, .. }, Pattern::Substitution { instead: newer, .. }) => old != newer,
        _ => false,
    }
}

/// Whether a rule was surely said after another: in a later turn of the same session. Anything less is a conflict, which a
/// person decides.
fn later(newer: &Rule, older: &Rule) -> bool {
    let turn = |quote: &Quote| Some((quote.session.clone()?, quote.turn?));
    let follows = |new: &Quote, old: &Quote| {
        turn(new).zip(turn(old)).is_some_and(|((here, new), (there, old))| here == there && new > old)
    };
    !older.said.is_empty() && older.said.iter().all(|old| newer.said.iter().any(|new| follows(new, old)))
}

/// The name and the number of a numbered name.
fn numbered(id: &RuleId) -> Option<(RuleId, u32)> {
    let (name, number) = id.as_str().rsplit_once('-')?;
    Some((RuleId::try_from(name.to_owned()).ok()?, number.parse().ok()?))
}
