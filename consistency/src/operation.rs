//! What a session writes: replacements, commutative deltas and declared three-way merges.
//!
//! A delta carries no dependency on what the cell held, so concurrent deltas never conflict. A merge states how to
//! combine with whatever was written meanwhile. Both are applied to the newest content when the session commits.

use crate::cell::{Content, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value as Json};

/// One change of one cell.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The cell holds this value, whatever it held.
    Put(Value),
    /// The cell is removed.
    Delete,
    /// A change that commutes with others of its kind.
    Delta(Delta),
    /// `ours` was made from `base`; where the cell is no longer `base`, both changes are combined.
    Merge {
        /// What the session read.
        base: Content,
        /// What it made of it.
        ours: Value,
        /// How two changes are combined.
        by: Merge,
    },
}

/// A commutative change; an absent or deleted cell counts as the empty list, set, number or object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delta {
    /// Appends to a list. Appends keep the order of commits.
    Append(Value),
    /// Adds to a list that is used as a set: nothing happens if it is there.
    Add(Value),
    /// Adds to an integer.
    Count(i64),
    /// Sets one field of an object, or removes it.
    Field(String, #[serde(with = "maybe")] Option<Value>),
}

mod maybe {
    //! A value or none, written as a list of one or none: `null` is a value.
    use super::Value;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        let mut values = Vec::deserialize(deserializer)?;
        let value = values.pop();
        if values.is_empty() {
            Ok(value)
        } else {
            Err(serde::de::Error::invalid_length(values.len() + 1, &"at most one"))
        }
    }
}

/// How two changes of one value are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Objects field by field, recursively; one field changed to two values is a conflict.
    Fields,
    /// Texts line by line; overlapping changes are a conflict.
    Lines,
    /// Lists as sets: what either side added or removed. Never a conflict.
    Set,
}

/// Why an operation does not fit what the cell holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfit {
    /// Appending to a number, counting a text, and the like.
    #[error("the cell holds {found}, but the operation needs {needed}")]
    Kind {
        /// What the cell holds.
        found: String,
        /// What the operation works on.
        needed: String,
    },
    /// The sum leaves the range of 64-bit integers.
    #[error("the counter leaves the range of 64-bit integers")]
    Overflow,
    /// Both sides changed the same place.
    #[error("both sides changed {0}")]
    Overlap(String),
}

impl Operation {
    /// Tells whether the outcome is the same whatever the cell held.
    pub fn replaces(&self) -> bool {
        matches!(self, Operation::Put(_) | Operation::Delete)
    }

    /// What the cell holds after the operation.
    ///
    /// # Errors
    /// [`Misfit`] when a delta or a merge does not fit what the cell holds.
    pub fn apply(&self, current: &Content) -> Result<Content, Misfit> {
        match self {
            Operation::Put(value) => Ok(Content::Present(value.clone())),
            Operation::Delete => Ok(Content::Deleted),
            Operation::Delta(delta) => delta.apply(current.value()).map(Content::Present),
            Operation::Merge { base, ours, .. } if base == current => Ok(Content::Present(ours.clone())),
            Operation::Merge { base, ours, by } => {
                let theirs = current.value().ok_or_else(|| Misfit::Overlap("the cell: it was removed".to_owned()))?;
                by.merge(base.value().map(Value::json), ours.json(), theirs.json())
                    .map(|merged| Content::Present(merged.into()))
            }
        }
    }
}

/// What a cell holds after several operations of one session, in their order.
///
/// # Errors
/// [`Misfit`] of the first operation that does not fit.
pub fn apply_all<'a>(
    operations: impl IntoIterator<Item = &'a Operation>,
    current: &Content,
) -> Result<Content, Misfit> {
    operations.into_iter().try_fold(current.clone(), |content, operation| operation.apply(&content))
}

impl Delta {
    fn apply(&self, current: Option<&Value>) -> Result<Value, Misfit> {
        match self {
            Delta::Append(item) => {
                let mut list = list(current)?;
                list.push(item.json().clone());
                Ok(list.into())
            }
            Delta::Add(item) => {
                let mut list = list(current)?;
                if !list.contains(item.json()) {
                    list.push(item.json().clone());
                }
                Ok(list.into())
            }
            Delta::Count(by) => {
                let old = match current.map(Value::json) {
                    None => 0,
                    Some(json) => json.as_i64().ok_or_else(|| misfit(json, "an integer"))?,
                };
                let sum = old.checked_add(*by).ok_or(Misfit::Overflow)?;
                Ok(Json::Number(Number::from(sum)).into())
            }
            Delta::Field(name, value) => {
                let mut object = match current.map(Value::json) {
                    None => Map::new(),
                    Some(Json::Object(object)) => object.clone(),
                    Some(json) => return Err(misfit(json, "an object")),
                };
                match value {
                    Some(value) => drop(object.insert(name.clone(), value.json().clone())),
                    None => drop(object.shift_remove(name)),
                }
                Ok(Json::Object(object).into())
            }
        }
    }
}

impl Merge {
    fn merge(self, base: Option<&Json>, ours: &Json, theirs: &Json) -> Result<Json, Misfit> {
        match self {
            Merge::Fields => fields(base, ours, theirs, "the cell"),
            Merge::Lines => {
                let text = |json: Option<&Json>| match json {
                    None => Ok(String::new()),
                    Some(Json::String(text)) => Ok(text.clone()),
                    Some(json) => Err(misfit(json, "a text")),
                };
                let merged = diffy::merge(&text(base)?, &text(Some(ours))?, &text(Some(theirs))?);
                merged.map(Json::String).map_err(|_| Misfit::Overlap("the same lines".to_owned()))
            }
            Merge::Set => {
                let base = base.map_or(Ok(&[] as &[Json]), items)?;
                let (ours, theirs) = (items(ours)?, items(theirs)?);
                // What both keep, what either added; what either removed of the base is gone.
                let kept = theirs.iter().filter(|item| ours.contains(item) || !base.contains(item));
                let added = ours.iter().filter(|item| !base.contains(item) && !theirs.contains(item));
                Ok(Json::Array(kept.chain(added).cloned().collect()))
            }
        }
    }
}

/// Merges objects field by field; anything else has to be changed on one side only.
fn fields(base: Option<&Json>, ours: &Json, theirs: &Json, place: &str) -> Result<Json, Misfit> {
    if ours == theirs || base == Some(theirs) {
        return Ok(ours.clone());
    }
    if base == Some(ours) {
        return Ok(theirs.clone());
    }
    let (Json::Object(ours), Json::Object(theirs)) = (ours, theirs) else {
        return Err(Misfit::Overlap(place.to_owned()));
    };
    let empty = Map::new();
    let base = base.and_then(Json::as_object).unwrap_or(&empty);
    let mut merged = Map::new();
    for name in theirs.keys().chain(ours.keys().filter(|name| !theirs.contains_key(*name))) {
        let field = match (base.get(name), ours.get(name), theirs.get(name)) {
            (base, Some(ours), Some(theirs)) => Some(fields(base, ours, theirs, &format!("the field `{name}`"))?),
            (None, ours, theirs) => ours.or(theirs).cloned(),
            (Some(base), Some(kept), None) | (Some(base), None, Some(kept)) if kept != base => {
                return Err(Misfit::Overlap(format!("the field `{name}`: one changed it, one removed it")));
            }
            (Some(_), _, _) => None,
        };
        if let Some(field) = field {
            merged.insert(name.clone(), field);
        }
    }
    Ok(Json::Object(merged))
}

fn list(current: Option<&Value>) -> Result<Vec<Json>, Misfit> {
    current.map_or(Ok(Vec::new()), |value| items(value.json()).map(<[Json]>::to_vec))
}

fn items(json: &Json) -> Result<&[Json], Misfit> {
    json.as_array().map(Vec::as_slice).ok_or_else(|| misfit(json, "a list"))
}

fn misfit(found: &Json, needed: &str) -> Misfit {
    let found = match found {
        Json::Null => "null",
        Json::Bool(_) => "a truth value",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    Misfit::Kind { found: found.to_owned(), needed: needed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn present(json: Json) -> Content {
        Content::Present(json.into())
    }

    #[test]
    fn deltas_start_from_nothing_and_keep_null_apart_from_absent() {
        let append = Operation::Delta(Delta::Append(json!(1).into()));
        assert_eq!(append.apply(&Content::Absent), Ok(present(json!([1]))));
        assert_eq!(append.apply(&Content::Deleted), Ok(present(json!([1]))));
        assert!(matches!(append.apply(&present(Json::Null)), Err(Misfit::Kind { .. })));
        let count = Operation::Delta(Delta::Count(i64::MAX));
        assert_eq!(count.apply(&present(json!(1))), Err(Misfit::Overflow));
    }

    #[test]
    fn merges_combine_what_does_not_overlap_and_name_what_does() {
        let merge = |by, base: Json, ours: Json, theirs: Json| {
            Operation::Merge { base: present(base), ours: ours.into(), by }.apply(&present(theirs))
        };
        let base = json!({"a": 1, "b": {"c": 1, "d": 1}, "e": 1});
        assert_eq!(
            merge(
                Merge::Fields,
                base.clone(),
                json!({"a": 2, "b": {"c": 2, "d": 1}}),
                json!({"a": 1, "b": {"c": 1, "d": 3}, "e": 1, "f": 0})
            ),
            Ok(present(json!({"a": 2, "b": {"c": 2, "d": 3}, "f": 0})))
        );
        let overlap = merge(Merge::Fields, base, json!({"a": 2}), json!({"a": 3, "b": {"c": 1, "d": 1}, "e": 1}));
        assert_eq!(overlap, Err(Misfit::Overlap("the field `a`".to_owned())));
        assert_eq!(
            merge(Merge::Lines, json!("a\nb\nc\n"), json!("A\nb\nc\n"), json!("a\nb\nC\n")),
            Ok(present(json!("A\nb\nC\n")))
        );
        assert!(merge(Merge::Lines, json!("a\n"), json!("b\n"), json!("c\n")).is_err());
        assert_eq!(merge(Merge::Set, json!([1, 2]), json!([1, 3]), json!([1, 2, 4])), Ok(present(json!([1, 4, 3]))));
    }
}
