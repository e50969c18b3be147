//! The page `docs/verification.md`, made of a run.

use super::record::{Grid, Kind, Record, caught, ladder, models, mutants};
use anyhow::Result;
use std::io::Write;
use verification::model::ladder::ANOMALIES;
use verification::model::promise::{Event, Promise};

const HEAD: &str = "\
# Verification of shared state

Made by `cargo run -p cli -- verify --long --page > docs/verification.md`; the tests hold the numbers of states,
the depths and the mutants to it. Seconds are those of one machine with two cores: compare ratios.

Each model drives `consistency::state::State::step`, which production runs, in all orders of what agents, dispatchers,
people and crashes may do within its size. An oracle beside it keeps a naive log of what happened and judges the answers;
it calls no decision of the core. Sizes are agents at a time (a), cells (k) and sessions in all (t). Sessions are numbered
in the order in which they begin, so agents that change places give no new state. Depth is the number of actions to the
farthest state, where states are visited nearest first. *Held* counts the promises that were put to the test and hold,
*sometimes* what has to happen in the model, an action or an answer, and did.
";

const LADDER: &str = "
## Separation of the levels

One small model is run at every level and asked about every anomaly: what a level excludes is in none of its states; what it
admits is found, with the least number of actions.
";

const MUTANTS: &str = "
## Broken on purpose

The core without one of its guards, and the shortest way in which a promise breaks then.
";

const LIMITS: &str = "
## What the models assume

- A session is written down, or handed to another process, only after what it saw is on disk. A session that saw a commit
  which a crash then loses is taken for valid by its searches, because they keep no version per cell.
- A dispatcher calls no tool once its claim has ended. Where it does, a tool that is only asked may act twice.
- What depends on a commit is traced from L2 on. A commit below L2 answers for itself: what an L2 session reads of it is as
  final as it is.
- Where a retraction restored several cells upon open commits, what reads one of them rests on all of these commits: a
  later retraction may then take more than it must. The random walks do not ask about that; the models, which have fewer
  cells and commits, do.
- The order of a lane holds among the effects of sessions at L3 and above; one of a lower level may overtake.
- All is checked within the sizes above, and no further.
";

pub(super) fn write(out: &mut dyn Write, records: &[Record]) -> Result<()> {
    write!(out, "{HEAD}\n## Models\n\n")?;
    grid(out, models(records))?;
    writeln!(out)?;
    for record in records {
        if let Kind::Model(row, _) = &record.kind {
            writeln!(out, "- `{}`: {}", row.setup.name, row.setup.about)?;
        }
    }
    writeln!(out, "{LADDER}")?;
    grid(out, ladder(records))?;
    writeln!(out, "\nThe shortest ways, each at the highest level that admits the anomaly:")?;
    for (place, promise) in ANOMALIES.iter().enumerate() {
        let mut rungs = records
            .iter()
            .rev()
            .filter_map(|record| if let Kind::Rung(rung) = &record.kind { Some(rung) } else { None });
        let found = rungs.find_map(|rung| Some((rung.level, rung.found.get(place)?.as_ref()?)));
        let Some(((level, found), (name, _))) = found.zip(promise.anomaly()) else { continue };
        writeln!(out, "\n{name} at {level}:\n")?;
        for (number, line) in (1..).zip(&found.story) {
            writeln!(out, "{number}. {line}")?;
        }
    }
    writeln!(out, "{MUTANTS}")?;
    grid(out, mutants(records))?;
    let (caught, all) = caught(records);
    writeln!(out, "\nCaught: {caught} of {all}.\n\n## Promises\n")?;
    for promise in Promise::ALL {
        writeln!(out, "- {promise}")?;
    }
    let events: Vec<&str> = Event::ALL.iter().map(|event| event.words()).collect();
    writeln!(out, "\n## What happens in some model\n\n{}.", events.join(", "))?;
    write!(out, "{LIMITS}")?;
    Ok(())
}

fn grid<const N: usize>(out: &mut dyn Write, (head, rows): Grid<N>) -> Result<()> {
    writeln!(out, "| {} |\n|{}", head.join(" | "), "---|".repeat(N))?;
    for row in rows {
        writeln!(out, "| {} |", row.join(" | "))?;
    }
    Ok(())
}
