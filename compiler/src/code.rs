//! Code patterns on syntax trees.
//!
//! A test asks whether a change *introduces* code: whether the pattern matches more often after it than before, compared
//! by the text of the matching nodes, so that what stood there before never blocks an unrelated edit. Fragments are
//! parsed as they are; the grammars recover from what is cut off. Comments that switch a linter off have no power here.

use crate::text::{self, Expressions};
use crate::truth::{Answer, Truth};
use ast_grep_core::matcher::{KindMatcher, PatternBuilder};
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc, TSLanguage};
use ast_grep_core::{Language, Matcher, Node, Pattern, PatternError};
use ast_grep_language::SupportLang;
use rules::predicate::CodeTest;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// A text longer than this, in bytes, is not parsed.
const MAX_CODE_BYTES: usize = 1 << 20;

/// The languages that have a grammar, by the names that rules and [`crate::facts`] use.
const GRAMMARS: &[(&str, Grammar)] = &[
    ("bash", Grammar::Known(SupportLang::Bash)),
    ("c", Grammar::Known(SupportLang::C)),
    ("cpp", Grammar::Known(SupportLang::Cpp)),
    ("csharp", Grammar::Known(SupportLang::CSharp)),
    ("css", Grammar::Known(SupportLang::Css)),
    ("go", Grammar::Known(SupportLang::Go)),
    ("html", Grammar::Known(SupportLang::Html)),
    ("java", Grammar::Known(SupportLang::Java)),
    ("javascript", Grammar::Known(SupportLang::JavaScript)),
    ("json", Grammar::Known(SupportLang::Json)),
    ("kotlin", Grammar::Known(SupportLang::Kotlin)),
    ("lua", Grammar::Known(SupportLang::Lua)),
    ("php", Grammar::Known(SupportLang::Php)),
    ("python", Grammar::Known(SupportLang::Python)),
    ("ruby", Grammar::Known(SupportLang::Ruby)),
    ("rust", Grammar::Known(SupportLang::Rust)),
    ("swift", Grammar::Known(SupportLang::Swift)),
    ("toml", Grammar::Toml),
    ("tsx", Grammar::Known(SupportLang::Tsx)),
    ("typescript", Grammar::Known(SupportLang::TypeScript)),
    ("yaml", Grammar::Known(SupportLang::Yaml)),
];

/// One grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grammar {
    /// One of the kept set.
    Known(SupportLang),
    /// TOML, which the set lacks.
    Toml,
}

impl Grammar {
    fn named(name: &str) -> Option<Self> {
        GRAMMARS.iter().find(|(known, _)| *known == name).map(|(_, grammar)| *grammar)
    }
}

/// Where a fragment standing alone means something else in a grammar: language, text around it, and the kind of node that
/// is then the pattern. In C a call outside a function reads as a declaration.
const CONTEXTS: &[(&str, &str, &str, &str)] = &[
    ("c", "void f() { ", "; }", "call_expression"),
    ("cpp", "void f() { ", "; }", "call_expression"),
    ("css", "a { ", "; }", "declaration"),
];

/// Compiles a pattern; within its context first, where the grammar has one.
fn compile(language: &str, grammar: Grammar, source: &str) -> Result<Pattern, String> {
    let alone = || Pattern::try_new(source, grammar).map_err(|error| error.to_string());
    let fits = |selector: &str| match selector {
        "call_expression" => source.ends_with(')') && !source.contains(['{', ';']),
        _ => source.contains(':') && !source.contains('{'),
    };
    CONTEXTS
        .iter()
        .filter(|(name, _, _, selector)| *name == language && fits(selector))
        .find_map(|(_, head, tail, selector)| {
            Pattern::contextual(&format!("{head}{}{tail}", source.trim_end_matches(';')), selector, grammar).ok()
        })
        .map_or_else(alone, Ok)
}

impl Language for Grammar {
    fn kind_to_id(&self, kind: &str) -> u16 {
        self.get_ts_language().id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.get_ts_language().field_id_for_name(field).map(std::num::NonZero::get)
    }

    fn expando_char(&self) -> char {
        match self {
            Self::Known(language) => language.expando_char(),
            Self::Toml => '_',
        }
    }

    fn pre_process_pattern<'q>(&self, query: &'q str) -> Cow<'q, str> {
        match self {
            Self::Known(language) => language.pre_process_pattern(query),
            Self::Toml => Cow::Owned(query.replace('$', "_")),
        }
    }

    fn build_pattern(&self, builder: &PatternBuilder) -> Result<Pattern, PatternError> {
        builder.build(|source| StrDoc::try_new(source, *self))
    }
}

impl LanguageExt for Grammar {
    fn get_ts_language(&self) -> TSLanguage {
        match self {
            Self::Known(language) => language.get_ts_language(),
            Self::Toml => tree_sitter_toml_ng::LANGUAGE.into(),
        }
    }
}

/// The names of the languages that have a grammar.
pub fn languages() -> impl Iterator<Item = &'static str> {
    GRAMMARS.iter().map(|(name, _)| *name)
}

/// A pattern's language and source.
type PatternName = (&'static str, String);

/// Compiled code patterns, kept for as long as a checker lives.
#[derive(Debug, Default)]
pub struct Grammars {
    compiled: RefCell<BTreeMap<PatternName, Option<Rc<Pattern>>>>,
}

impl Grammars {
    fn pattern(&self, language: &str, grammar: Grammar, source: &str) -> Option<Rc<Pattern>> {
        let name = GRAMMARS.iter().find(|(known, _)| *known == language).map(|(known, _)| *known)?;
        let mut compiled = self.compiled.borrow_mut();
        compiled
            .entry((name, source.to_owned()))
            .or_insert_with(|| compile(name, grammar, source).ok().map(Rc::new))
            .clone()
    }
}

/// Checks a test when its rule is compiled.
///
/// # Errors
/// What is wrong with it, in lower case.
pub fn validate(test: &CodeTest, languages: &[String]) -> Result<(), String> {
    if test.pattern.is_empty() && test.kind.is_empty() {
        return Err("a code test needs a `pattern` or a `kind`".to_owned());
    }
    if languages.is_empty() {
        return Err("a code test needs the file's `language`, whose grammar reads the pattern".to_owned());
    }
    if let Some(text) = &test.text {
        text::validate(text)?;
    }
    // A pattern over several languages must parse in one of them at least: dialects differ.
    for pattern in &test.pattern {
        let mut errors = languages.iter().filter_map(|name| {
            let grammar = Grammar::named(name)?;
            match compile(name, grammar, pattern) {
                Ok(compiled) if !compiled.has_error() => None,
                Ok(_) => Some(format!("`{pattern}` is not {name} code")),
                Err(error) => Some(format!("`{pattern}` is not a pattern of {name} code: {error}")),
            }
        });
        let first = errors.next();
        if first.is_some() && errors.count() + 1 == languages.len() {
            return first.map_or(Ok(()), Err);
        }
    }
    for kind in test.kind.iter().chain(&test.not_inside) {
        let known = |name: &String| Grammar::named(name).is_some_and(|grammar| grammar.kind_to_id(kind) != 0);
        if !languages.iter().any(known) {
            return Err(format!("`{kind}` is not a kind of syntax node in {}", languages.join(", ")));
        }
    }
    Ok(())
}

/// Whether code that passes the test is in `after` more often than in `before`.
pub fn introduced(
    test: &CodeTest,
    language: Option<&str>,
    before: &str,
    after: &str,
    grammars: &Grammars,
    expressions: &Expressions,
) -> Answer {
    let Some((name, grammar)) = language.and_then(|name| Some((name, Grammar::named(name)?))) else {
        return Answer::plain(false);
    };
    if before.len().max(after.len()) > MAX_CODE_BYTES {
        return Answer::plain(Truth::Unknown);
    }
    let search = |source: &str| -> Vec<(String, Range<usize>)> {
        let root = grammar.ast_grep(source);
        let mut found = Vec::new();
        let mut collect = |node: &Node<'_, StrDoc<Grammar>>| {
            let text = node.text().into_owned();
            let fits = test.text.as_ref().is_none_or(|inner| text::test(inner, &text, expressions).truth == Truth::Yes);
            let inside = !test.not_inside.is_empty()
                && node.ancestors().any(|above| test.not_inside.iter().any(|kind| *kind == above.kind()));
            if fits && !inside {
                found.push((text, node.range()));
            }
        };
        for source in &test.pattern {
            // TOML's grammar does not look into strings, so a pattern without holes must also agree as text.
            let literal = grammar == Grammar::Toml && !source.contains('$');
            if let Some(pattern) = grammars.pattern(name, grammar, source) {
                search_all(&root.root(), &*pattern, &mut |node| {
                    if !literal || unspaced(&node.text()) == unspaced(source) {
                        collect(node);
                    }
                });
            }
        }
        for kind in test.kind.iter().filter_map(|kind| KindMatcher::try_new(kind, grammar).ok()) {
            search_all(&root.root(), &kind, &mut collect);
        }
        found
    };
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let found = search(after);
    if !found.is_empty() {
        for (text, _) in search(before) {
            *known.entry(text).or_default() += 1;
        }
    }
    let new = found.into_iter().find(|(text, _)| match known.get_mut(text) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    });
    Answer::at(new.map(|(_, range)| range))
}

fn search_all<M: Matcher>(
    root: &Node<'_, StrDoc<Grammar>>,
    matcher: &M,
    found: &mut impl FnMut(&Node<'_, StrDoc<Grammar>>),
) {
    for matched in root.find_all(matcher) {
        found(&matched);
    }
}

fn unspaced(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: &str, pattern: &str, before: &str, after: &str) -> Truth {
        let test = CodeTest { pattern: vec![pattern.to_owned()], ..CodeTest::default() };
        validate(&test, &[language.to_owned()]).unwrap();
        introduced(&test, Some(language), before, after, &Grammars::default(), &Expressions::default()).truth
    }

    #[test]
    fn every_grammar_finds_a_pattern_and_leaves_a_close_text_alone() {
        for (language, pattern, bad, good) in [
            ("rust", "$X.unwrap()", "let a = b.unwrap();", "let a = b.unwrap_or(1); // b.unwrap()"),
            ("python", "print($$$)", "print(1)", "x = 'print(1)'"),
            ("typescript", "$X as any", "const a = b as any;", "const a = b as Any;"),
            ("tsx", "<img $$$ />", "const a = <img src='x' />;", "const a = <Img src='x' />;"),
            ("javascript", "console.log($$$)", "console.log(1, 2)", "console.error(1) // console.log(1)"),
            ("go", "panic($A)", "func f() { panic(1) }", "func f() { recover() }"),
            ("java", "System.out.println($A)", "class A { void f() { System.out.println(1); } }", "class A {}"),
            ("csharp", "$X.Wait()", "class A { void F() { t.Wait(); } }", "class A { void F() { t.Go(); } }"),
            ("c", "gets($A)", "void f() { gets(b); }", "void f() { fgets(b); }"),
            ("cpp", "new $T($$$)", "auto x = new Foo(1);", "auto x = make<Foo>(1);"),
            ("ruby", "puts $A", "puts 1", "log 1"),
            ("php", "var_dump($A)", "<?php var_dump($x);", "<?php dump($x);"),
            ("bash", "rm -rf $A", "rm -rf /x", "echo 'rm -rf /x'"),
            ("json", "\"any\"", "{\"a\": \"any\"}", "{\"a\": \"none\"}"),
            ("yaml", "privileged: true", "a:\n  privileged: true\n", "a:\n  privileged: false\n"),
            ("toml", "version = \"*\"", "version = \"*\"\n", "version = \"1\"\n"),
            ("css", "color: red", "a { color: red; }", "a { color: blue; }"),
            ("html", "<center>$$$</center>", "<center>x</center>", "<div>x</div>"),
            ("kotlin", "println($A)", "fun f() { println(1) }", "fun f() { log(1) }"),
            ("lua", "print($A)", "print(1)", "log(1)"),
            ("swift", "print($A)", "print(1)", "log(1)"),
        ] {
            assert_eq!(check(language, pattern, "", bad), Truth::Yes, "{language}: {bad}");
            assert_eq!(check(language, pattern, "", good), Truth::No, "{language}: {good}");
            assert_eq!(check(language, pattern, bad, bad), Truth::No, "{language}: nothing new in {bad}");
        }
    }

    #[test]
    fn a_kind_may_be_asked_for_and_an_enclosing_kind_excluded() {
        let test =
            CodeTest { kind: vec!["unsafe_block".into()], not_inside: vec!["mod_item".into()], ..CodeTest::default() };
        validate(&test, &["rust".into()]).unwrap();
        let look =
            |code: &str| introduced(&test, Some("rust"), "", code, &Grammars::default(), &Expressions::default()).truth;
        assert_eq!(look("fn f() { unsafe { g() } }"), Truth::Yes);
        assert_eq!(look("mod m { fn f() { unsafe { g() } } }"), Truth::No);
    }

    #[test]
    fn what_cannot_be_compiled_is_refused() {
        let of = |pattern: &str, kind: &str| CodeTest {
            pattern: [pattern].iter().filter(|p| !p.is_empty()).map(|p| (*p).to_owned()).collect(),
            kind: [kind].iter().filter(|k| !k.is_empty()).map(|k| (*k).to_owned()).collect(),
            ..CodeTest::default()
        };
        assert!(validate(&of("", ""), &["rust".into()]).is_err());
        assert!(validate(&of("a()", ""), &[]).is_err());
        assert!(validate(&of("", "no_such_kind"), &["rust".into()]).unwrap_err().contains("no_such_kind"));
        assert!(validate(&of("a(", ""), &["rust".into()]).is_err());
    }
}
