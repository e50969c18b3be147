//! Linear temporal logic over finite traces, evaluated by the textbook's recursion (De Giacomo and Vardi, IJCAI 2013),
//! and its notation. Time is exponential in the depth of a formula; traces here are short.

/// A formula of linear temporal logic.
#[derive(Debug, Clone)]
pub(super) enum Formula {
    True,
    Atom(usize),
    Not(Box<Formula>),
    Or(Box<Formula>, Box<Formula>),
    Next(Box<Formula>),
    Until(Box<Formula>, Box<Formula>),
}

impl Formula {
    /// Whether it holds at a place of a trace. Beyond the last instant no atom is true and nothing comes.
    pub(super) fn holds(&self, trace: &[Vec<bool>], at: usize) -> bool {
        match self {
            Self::True => true,
            Self::Atom(atom) => trace.get(at).and_then(|now| now.get(*atom)).is_some_and(|value| *value),
            Self::Not(inner) => !inner.holds(trace, at),
            Self::Or(a, b) => a.holds(trace, at) || b.holds(trace, at),
            Self::Next(inner) => at + 1 < trace.len() && inner.holds(trace, at + 1),
            Self::Until(hold, end) => (at..trace.len())
                .any(|then| end.holds(trace, then) && (at..then).all(|between| hold.holds(trace, between))),
        }
    }

    fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    fn or(self, other: Self) -> Self {
        Self::Or(Box::new(self), Box::new(other))
    }

    fn and(self, other: Self) -> Self {
        self.negated().or(other.negated()).negated()
    }

    fn next(self) -> Self {
        Self::Next(Box::new(self))
    }

    fn until(self, end: Self) -> Self {
        Self::Until(Box::new(self), Box::new(end))
    }

    fn eventually(self) -> Self {
        Self::True.until(self)
    }

    fn always(self) -> Self {
        self.negated().eventually().negated()
    }
}

/// A text that is not a formula over its roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

/// Reads a formula over atoms of these names.
pub(super) fn read(text: &str, names: &[&str]) -> Result<Formula, Malformed> {
    let mut parser = Parser { rest: text, names };
    let formula = parser.implication().filter(|_| parser.rest.trim().is_empty());
    formula.ok_or_else(|| Malformed(text.to_owned()))
}

/// A parser by recursive descent; from loosest to tightest: `->`, `|`, `&`, `U` and `W`, what stands in front.
struct Parser<'a> {
    rest: &'a str,
    names: &'a [&'a str],
}

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn implication(&mut self) -> Option<Formula> {
        let left = self.disjunction()?;
        if self.eat("->").is_none() {
            return Some(left);
        }
        Some(left.negated().or(self.implication()?))
    }

    fn disjunction(&mut self) -> Option<Formula> {
        let left = self.conjunction()?;
        if self.eat("|").is_none() {
            return Some(left);
        }
        Some(left.or(self.disjunction()?))
    }

    fn conjunction(&mut self) -> Option<Formula> {
        let left = self.temporal()?;
        if self.eat("&").is_none() {
            return Some(left);
        }
        Some(left.and(self.conjunction()?))
    }

    fn temporal(&mut self) -> Option<Formula> {
        let left = self.prefixed()?;
        if self.eat("U").is_some() {
            return Some(left.until(self.temporal()?));
        }
        if self.eat("W").is_some() {
            return Some(left.clone().until(self.temporal()?).or(left.always()));
        }
        Some(left)
    }

    fn prefixed(&mut self) -> Option<Formula> {
        let text = self.rest.trim_start();
        let after = |n: usize| text.get(n..).unwrap_or_default();
        if let Some(rest) = text.strip_prefix("true") {
            self.rest = rest;
            return Some(Formula::True);
        }
        self.rest = after(1);
        match text.chars().next()? {
            '!' => Some(self.prefixed()?.negated()),
            'X' => Some(self.prefixed()?.next()),
            'N' => Some(self.prefixed()?.negated().next().negated()),
            'F' => Some(self.prefixed()?.eventually()),
            'G' => Some(self.prefixed()?.always()),
            '(' => {
                let inner = self.implication()?;
                self.eat(")")?;
                Some(inner)
            }
            _ => {
                // A name is a letter and the digits behind it.
                let digits = after(1).bytes().take_while(u8::is_ascii_digit).count();
                self.rest = after(1 + digits);
                let name = text.get(..=digits)?;
                Some(Formula::Atom(self.names.iter().position(|known| *known == name)?))
            }
        }
    }
}
