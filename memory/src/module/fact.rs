//! What modules find out on the way, for whoever asks why an answer is as it is.

use crate::record::RecordId;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that a module found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// How well an item answers, as a model graded it: 0 not at all, 3 fully.
    Grade {
        /// The item.
        item: RecordId,
        /// The grade.
        grade: u8,
    },
    /// An item says what another says, and was left out.
    Duplicate {
        /// The item.
        item: RecordId,
        /// The item that says it too.
        of: RecordId,
    },
    /// Something that the question or several items name.
    Entity {
        /// Its name, in lower case.
        name: String,
        /// Whether the question names it.
        asked: bool,
        /// The items that speak of it.
        items: Vec<RecordId>,
    },
    /// A time that an item speaks of.
    Moment {
        /// The item.
        item: RecordId,
        /// The words.
        words: String,
        /// The first day.
        #[schemars(with = "String")]
        from: Date,
        /// The last day.
        #[schemars(with = "String")]
        until: Date,
    },
    /// A later item says something else about the same.
    Superseded {
        /// The item.
        item: RecordId,
        /// The later one.
        by: RecordId,
    },
    /// Items that belong together.
    Topic {
        /// What they are about.
        label: String,
        /// The items, best first.
        items: Vec<RecordId>,
    },
    /// A sentence of a summary.
    Statement {
        /// The sentence.
        text: String,
        /// The items that it rests on.
        items: Vec<RecordId>,
    },
}
