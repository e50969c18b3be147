//! The formulas of Dwyer, Avrunin and Corbett's catalogue as they stand there, against the page that takes them apart.

use super::*;

/// The formulas of the catalogue (<https://matthewbdwyer.github.io/psp/patterns/ltl.html>), read over finite traces, with
/// `o` written `X` and parentheses completed. The last column is empty where the specification says the same; otherwise a
/// trace on which the catalogue departs from its own definition of the scope, or from counting by instants, and how.
const PUBLISHED: &str = "
absence | globally | G !p |
absence | before | F r -> (!p U r) |
absence | after | G(q -> G !p) |
absence | between | G((q & !r & F r) -> (!p U r)) |
absence | after-until | G((q & !r) -> (!p W r)) |
existence | globally | F p |
existence | before | !r W (p & !r) |
existence | after | (G !q) | F(q & F p) |
existence | between | G((q & !r) -> (!r W (p & !r))) |
existence | after-until | G((q & !r) -> (!r U (p & !r))) |
universality | globally | G p |
universality | before | F r -> (p U r) |
universality | after | G(q -> G p) |
universality | between | G((q & !r & F r) -> (p U r)) |
universality | after-until | G((q & !r) -> (p W r)) |
precedence | globally | !p W s |
precedence | before | F r -> (!p U (s | r)) |
precedence | after | (G !q) | F(q & (!p W s)) | q p q : a later q forgives
precedence | between | G((q & !r & F r) -> (!p U (s | r))) |
precedence | after-until | G((q & !r) -> (!p W (s | r))) |
response | globally | G(p -> F s) |
response | before | F r -> ((p -> (!r U (s & !r))) U r) |
response | after | G(q -> G(p -> F s)) |
response | between | G((q & !r & F r) -> ((p -> (!r U (s & !r))) U r)) |
response | after-until | G((q & !r) -> ((p -> (!r U (s & !r))) W r)) |
bounded | globally | !p W (p W (!p W (p W G !p))) | p p p : counts stretches
bounded | before | F r -> ((!p & !r) U (r | ((p & !r) U (r | ((!p & !r) U (r | ((p & !r) U (r | (!p U r))))))))) | p p p r : counts stretches
precedence chain | globally | F p -> (!p U (s & !p & X(!p U t))) |
precedence chain | before | F r -> (!p U (r | (s & !p & X(!p U t)))) |
precedence chain | after | (G !q) | (!q U (q & (F p -> (!p U (s & !p & X(!p U t)))))) |
precedence chain | between | G((q & F r) -> (!p U (r | (s & !p & X(!p U t))))) |
precedence chain | after-until | G(q -> (F p -> (!p U (r | (s & !p & X(!p U t)))))) |
response chain | globally | G(p -> F(s & X F t)) |
response chain | before | F r -> ((p -> (!r U (s & !r & X(!r U t)))) U r) | p s rt : closed at the right
response chain | after | G(q -> G(p -> (s & X F t))) | pq s t : the eventuality is lost
response chain | between | G((q & F r) -> ((p -> (!r U (s & !r & X(!r U t)))) U r)) | pq s rt : closed at the right
response chain | after-until | G(q -> ((p -> (!r U (s & !r & X(!r U t)))) U (r | G(p -> (s & X F t))))) | pq s rt : closed at the right
";

#[test]
fn the_specification_says_what_was_published() {
    for row in PUBLISHED.lines().filter(|row| !row.is_empty()) {
        let (rest, slip) = row.rsplit_once('|').unwrap();
        let (pattern, rest) = rest.split_once(" | ").unwrap();
        let (scope, text) = rest.split_once(" | ").unwrap();
        let pattern = match pattern {
            "absence" => absence(),
            "existence" => existence(),
            "universality" => universality(),
            "precedence" => precedence(false),
            "response" => response(),
            "bounded" => bounded(2),
            "precedence chain" => precedence_chain(),
            "response chain" => response_chain(),
            other => panic!("no pattern {other}"),
        };
        let directive = during(pattern, scope);
        let (ours, published) = (Specification::of(&directive).unwrap(), formula(text));
        let ours = |trace: &[Instant]| ours.accepts(trace, Instant::truth);
        let published = |trace: &[Instant]| published.accepts(trace, Instant::truth);
        if let Some((witness, why)) = slip.split_once(':') {
            let witness = trace(witness);
            assert_ne!(ours(&witness), published(&witness), "{row}: does not differ");
            assert_eq!(accepts_by_segments(&directive, &witness), ours(&witness), "{row}: {why}");
            continue;
        }
        let letters = names(&directive);
        for (most, length) in if letters.len() <= 3 { [(3, 4), (1, 5)] } else { [(2, 3), (1, 4)] } {
            let differs = difference(&alphabet(&letters, most), length, ours, published);
            assert_eq!(differs.map(|trace| written(&trace)), None, "{row}");
        }
    }
}
