//! The part of the parser for compound commands: groups, branches, loops, functions and tests.

use super::parser::{Parsed, Parser, ends_word};
use super::syntax::{Kind, Program, Word};
use std::rc::Rc;

/// Words that begin a compound command.
const OPENERS: [&str; 11] =
    ["{", "if", "while", "until", "for", "select", "case", "function", "[[", "coproc", "repeat"];

impl Parser<'_> {
    /// A compound command, if one begins here.
    pub(super) fn compound(&mut self) -> Parsed<Option<Kind>> {
        if self.rest().starts_with("((") && self.arithmetic_ahead() {
            self.at += 2;
            let pieces = self.arithmetic(2)?;
            let word = Word { pieces };
            return Ok(Some(Kind::Branches { words: vec![word], bodies: Vec::new() }));
        }
        if self.eat("(") {
            let body = self.list()?;
            return if self.eat(")") { Ok(Some(Kind::Subshell(body))) } else { Err(self.fault("`(` is not closed")) };
        }
        let Some(opener) = OPENERS.into_iter().find(|word| self.at_word(word)) else {
            return self.function_with_parentheses();
        };
        self.at += opener.len();
        self.skip_blanks();
        Ok(Some(match opener {
            "{" => {
                let body = self.list()?;
                self.expect_word("}")?;
                Kind::Group(body)
            }
            "if" => self.if_branches()?,
            "while" | "until" => {
                let condition = self.list()?;
                Kind::Branches { words: Vec::new(), bodies: vec![condition, self.do_group()?] }
            }
            "for" | "select" => self.for_loop()?,
            "repeat" => Kind::Branches { words: vec![self.word()?], bodies: vec![self.do_group()?] },
            "case" => self.case()?,
            "function" => self.function()?,
            "[[" => self.test()?,
            _ => self.coproc()?,
        }))
    }

    fn if_branches(&mut self) -> Parsed<Kind> {
        let mut bodies = vec![self.list()?];
        self.expect_word("then")?;
        bodies.push(self.list()?);
        loop {
            if self.eat_word("elif") {
                bodies.push(self.list()?);
                self.expect_word("then")?;
            } else if !self.eat_word("else") {
                self.expect_word("fi")?;
                return Ok(Kind::Branches { words: Vec::new(), bodies });
            }
            bodies.push(self.list()?);
        }
    }

    fn do_group(&mut self) -> Parsed<Program> {
        self.skip_lines()?;
        if self.eat(";") {
            self.skip_lines()?;
        }
        let closer = if self.eat_word("{") { "}" } else { "done" };
        if closer == "done" {
            self.expect_word("do")?;
        }
        let body = self.list()?;
        self.expect_word(closer)?;
        Ok(body)
    }

    fn for_loop(&mut self) -> Parsed<Kind> {
        if self.eat("((") {
            let pieces = self.arithmetic(2)?;
            let head = Word { pieces };
            return Ok(Kind::Branches { words: vec![head], bodies: vec![self.do_group()?] });
        }
        let name = self.word()?.plain().ok_or_else(|| self.fault("`for` has no variable"))?.to_owned();
        self.skip_lines()?;
        let words = if self.eat_word("in") { Some(self.words()?) } else { None };
        Ok(Kind::For { name, words, body: self.do_group()? })
    }

    /// Words up to the end of a command.
    fn words(&mut self) -> Parsed<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.skip_blanks();
            let ends = self.peek().is_none_or(|next| ends_word(next) && !self.process_ahead());
            if ends {
                return Ok(words);
            }
            words.push(self.word()?);
        }
    }

    fn case(&mut self) -> Parsed<Kind> {
        let mut words = vec![self.word()?];
        let mut bodies = Vec::new();
        self.expect_word("in")?;
        loop {
            self.skip_lines()?;
            if self.eat_word("esac") {
                return Ok(Kind::Branches { words, bodies });
            }
            self.eat("(");
            loop {
                self.skip_blanks();
                words.push(self.word()?);
                self.skip_blanks();
                if !self.eat("|") {
                    break;
                }
            }
            if !self.eat(")") {
                return Err(self.fault("a pattern of `case` is not closed"));
            }
            bodies.push(self.list()?);
            for end in [";;&", ";;", ";&"] {
                if self.eat(end) {
                    break;
                }
            }
        }
    }

    fn function(&mut self) -> Parsed<Kind> {
        let name = self.word()?.plain().ok_or_else(|| self.fault("a function has no name"))?.to_owned();
        self.skip_blanks();
        if self.eat("(") {
            self.skip_blanks();
            self.eat(")");
        }
        self.function_body(name)
    }

    fn function_body(&mut self, name: String) -> Parsed<Kind> {
        self.skip_lines()?;
        let body = Rc::new(self.deeper(Self::command)?);
        Ok(Kind::Function { name, body })
    }

    /// `name() …`, if it stands here.
    fn function_with_parentheses(&mut self) -> Parsed<Option<Kind>> {
        let rest = self.rest();
        let after = rest.trim_start_matches(|c: char| !ends_word(c) && !"'\"\\$`=".contains(c));
        let name = rest.strip_suffix(after).unwrap_or_default();
        let parentheses =
            after.trim_start_matches([' ', '\t']).strip_prefix('(').map(|after| after.trim_start_matches(' '));
        match parentheses.and_then(|after| after.strip_prefix(')')) {
            Some(body) if !name.is_empty() => {
                self.at = self.text.len() - body.len();
                self.function_body(name.to_owned()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The words of `[[ … ]]`; its operators matter to nothing here.
    fn test(&mut self) -> Parsed<Kind> {
        let mut words = Vec::new();
        loop {
            self.skip_lines()?;
            if self.eat_word("]]") {
                return Ok(Kind::Branches { words, bodies: Vec::new() });
            }
            match self.peek() {
                None => return Err(self.fault("`[[` is not closed")),
                Some(next) if ends_word(next) && !self.process_ahead() => {
                    self.bump();
                }
                Some(_) => words.push(self.word()?),
            }
        }
    }

    fn coproc(&mut self) -> Parsed<Kind> {
        let rest = self.rest();
        let name = rest.find(ends_word).and_then(|end| rest.get(..end)).unwrap_or_default();
        let after = rest.get(name.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
        let named =
            !OPENERS.contains(&name) && (after.starts_with('(') || after.starts_with("{ ") || after.starts_with("{\n"));
        if named {
            self.at = self.text.len() - after.len();
        }
        Ok(Kind::Coproc(Box::new(self.deeper(Self::command)?)))
    }
}
