//! A rule book of any size, made of sentences: what both benches judge with.

use std::fmt::Write;

/// So many corrections, one a line, each of which makes a rule of its own; of the kinds that users write.
pub(crate) fn corrections(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let _ = match n % 8 {
            0 => writeln!(text, "never run `tool{n} deploy`"),
            1 => writeln!(text, "use `fast{n}`, not `slow{n}`"),
            2 => writeln!(text, "never write `legacyCall{n}` in .ts files"),
            3 => writeln!(text, "don't touch generated{n}/"),
            4 => writeln!(text, "always run `make check{n}` after changing .q{n} files"),
            5 => writeln!(text, "always run `cargo lint{n}` before `git push{n}`"),
            6 => writeln!(text, "never say \"obviously{n}\""),
            _ => writeln!(text, "never use `OLD_MACRO_{n}` in .c files"),
        };
    }
    text
}
