//! A closed grammar of filters over records, as JSON: what search, listing and the clients of other services ask with.
//!
//! Flat keys are and-ed; `AND`, `OR` and `NOT` nest. A field is compared with a value, with `"*"` (is there), or by an
//! object of operators: `eq ne in gt gte lt lte contains icontains`. Fields are the four parts of the scope, `id`, `text`,
//! `created_at`, `updated_at`, `categories`, `metadata` (an object of its own fields) and `metadata.NAME`; clients of other services
//! also write `memory_ids`, `keywords` and `timestamp`. Anything else is refused by name.

use crate::record::{Record, Scope};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// How deep a filter may nest.
const MAX_DEPTH: usize = 16;
/// How many conditions a filter may have.
const MAX_CONDITIONS: usize = 256;

/// Which records are meant.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these hold; of none, everything.
    All(Vec<Filter>),
    /// One of these holds.
    Any(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// A field passes a test.
    Is(Field, Test),
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The person.
    User,
    /// The agent.
    Agent,
    /// The application.
    App,
    /// The run.
    Run,
    /// The record's name.
    Id,
    /// What is remembered.
    Text,
    /// When it was added.
    CreatedAt,
    /// When it was last changed.
    UpdatedAt,
    /// What it is about.
    Categories,
    /// A field of the metadata.
    Metadata(String),
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It is there.
    Present,
    /// It is this value; a list contains it.
    Equals(Value),
    /// It is not this value.
    Differs(Value),
    /// It is one of these.
    In(Vec<Value>),
    /// It is there and after, before or at this value: numbers by size, texts by their bytes, times by the clock.
    Ordered(Vec<Ordering>, Value),
    /// It contains this text; the flag says whether case counts.
    Contains(String, bool),
}

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter `{at}`: {what}")]
pub struct BadFilter {
    /// Where, as a path of keys.
    pub at: String,
    /// What is wrong, and what is expected.
    pub what: String,
}

impl Filter {
    /// The filter that everything passes.
    pub fn everything() -> Filter {
        Filter::All(Vec::new())
    }

    /// What belongs to a scope: each part that is named is the record's too.
    pub fn of_scope(scope: &Scope) -> Filter {
        let fields = [Field::User, Field::Agent, Field::App, Field::Run];
        let named = fields.into_iter().zip(scope.parts());
        let is = |(field, (_, part)): (Field, (_, Option<&str>))| Some(Filter::Is(field, Test::Equals(part?.into())));
        Filter::All(named.filter_map(is).collect())
    }

    /// Both filters hold.
    #[must_use]
    pub fn and(self, other: Filter) -> Filter {
        match (self, other) {
            (Filter::All(mut all), Filter::All(more)) => {
                all.extend(more);
                Filter::All(all)
            }
            (one, other) => Filter::All(vec![one, other]),
        }
    }

    /// Reads a filter.
    ///
    /// # Errors
    /// [`BadFilter`] says where and what is expected there.
    pub fn parse(json: &Value) -> Result<Filter, BadFilter> {
        let mut left = MAX_CONDITIONS;
        parse(json, "filters", 0, &mut left)
    }

    /// Tells whether a record is meant.
    pub fn matches(&self, record: &Record) -> bool {
        match self {
            Filter::All(all) => all.iter().all(|filter| filter.matches(record)),
            Filter::Any(any) => any.iter().any(|filter| filter.matches(record)),
            Filter::Not(filter) => !filter.matches(record),
            Filter::Is(field, test) => field.passes(test, record),
        }
    }

    /// The parts of the scope that every record that is meant has: what an index narrows by first.
    pub fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        let mut narrow = vec![self];
        while let Some(filter) = narrow.pop() {
            match filter {
                Filter::All(all) => narrow.extend(all),
                Filter::Is(field, Test::Equals(Value::String(name))) => {
                    let part = match field {
                        Field::User => &mut scope.user,
                        Field::Agent => &mut scope.agent,
                        Field::App => &mut scope.app,
                        Field::Run => &mut scope.run,
                        _ => continue,
                    };
                    part.get_or_insert_with(|| name.clone());
                }
                _ => {}
            }
        }
        scope
    }

    /// Tells whether a part of the scope is named anywhere.
    pub fn names_a_scope(&self) -> bool {
        match self {
            Filter::All(parts) | Filter::Any(parts) => parts.iter().any(Filter::names_a_scope),
            Filter::Not(filter) => filter.names_a_scope(),
            Filter::Is(field, _) => matches!(field, Field::User | Field::Agent | Field::App | Field::Run),
        }
    }
}

fn parse(json: &Value, at: &str, depth: usize, left: &mut usize) -> Result<Filter, BadFilter> {
    let bad = |what: &str| Err(BadFilter { at: at.to_owned(), what: what.to_owned() });
    if depth > MAX_DEPTH {
        return bad("filters nest at most 16 deep");
    }
    let Some(fields) = json.as_object() else { return bad("an object is expected") };
    let mut all = Vec::new();
    for (name, value) in fields {
        let Some(fewer) = left.checked_sub(1) else { return bad("a filter has at most 256 conditions") };
        *left = fewer;
        let at = format!("{at}.{name}");
        all.push(match name.as_str() {
            "AND" | "and" => Filter::All(list(value, &at, depth, left)?),
            "OR" | "or" => Filter::Any(list(value, &at, depth, left)?),
            "NOT" | "not" => match value {
                // None of a list: the form that existing clients write.
                Value::Array(_) => Filter::Not(Box::new(Filter::Any(list(value, &at, depth, left)?))),
                _ => Filter::Not(Box::new(parse(value, &at, depth + 1, left)?)),
            },
            "metadata" => metadata(value, &at, left)?,
            name => Filter::All(tests(&field(name, &at)?, value, &at)?),
        });
    }
    Ok(match all.pop() {
        Some(only) if all.is_empty() => only,
        last => Filter::All(all.into_iter().chain(last).collect()),
    })
}

fn list(json: &Value, at: &str, depth: usize, left: &mut usize) -> Result<Vec<Filter>, BadFilter> {
    let Some(filters) = json.as_array() else {
        return Err(BadFilter { at: at.to_owned(), what: "a list of filters is expected".to_owned() });
    };
    filters
        .iter()
        .enumerate()
        .map(|(place, filter)| parse(filter, &format!("{at}[{place}]"), depth + 1, left))
        .collect()
}

fn metadata(json: &Value, at: &str, left: &mut usize) -> Result<Filter, BadFilter> {
    let Some(fields) = json.as_object() else {
        return Err(BadFilter { at: at.to_owned(), what: "an object of metadata fields is expected".to_owned() });
    };
    let mut all = Vec::new();
    for (name, value) in fields {
        let at = format!("{at}.{name}");
        let Some(fewer) = left.checked_sub(1) else {
            return Err(BadFilter { at, what: "a filter has at most 256 conditions".to_owned() });
        };
        *left = fewer;
        all.extend(tests(&Field::Metadata(name.clone()), value, &at)?);
    }
    Ok(Filter::All(all))
}

fn field(name: &str, at: &str) -> Result<Field, BadFilter> {
    Ok(match name {
        "user_id" => Field::User,
        "agent_id" => Field::Agent,
        "app_id" => Field::App,
        "run_id" => Field::Run,
        "id" | "memory_id" | "memory_ids" => Field::Id,
        "text" | "keywords" => Field::Text,
        "created_at" | "timestamp" => Field::CreatedAt,
        "updated_at" => Field::UpdatedAt,
        "categories" => Field::Categories,
        other => match other.strip_prefix("metadata.") {
            Some(name) if !name.is_empty() => Field::Metadata(name.to_owned()),
            _ => {
                let what = "no such field: use user_id, agent_id, app_id, run_id, id, text, created_at, updated_at, \
                    categories, metadata.NAME, AND, OR or NOT";
                return Err(BadFilter { at: at.to_owned(), what: what.to_owned() });
            }
        },
    })
}

fn tests(field: &Field, json: &Value, at: &str) -> Result<Vec<Filter>, BadFilter> {
    let is = |test| Filter::Is(field.clone(), test);
    match json {
        Value::String(text) if text == "*" => Ok(vec![is(Test::Present)]),
        Value::Object(operators) => operators.iter().map(|(name, value)| Ok(is(test(name, value, at)?))).collect(),
        // A bare list is taken as `in`.
        Value::Array(values) => Ok(vec![is(Test::In(values.clone()))]),
        other => Ok(vec![is(Test::Equals(other.clone()))]),
    }
}

fn test(name: &str, value: &Value, at: &str) -> Result<Test, BadFilter> {
    let bad = |what: &str| BadFilter { at: format!("{at}.{name}"), what: what.to_owned() };
    let text = || value.as_str().map(str::to_owned).ok_or_else(|| bad("a text is expected"));
    let ordered = |orders: &[Ordering]| match value {
        Value::String(_) | Value::Number(_) => Ok(Test::Ordered(orders.to_vec(), value.clone())),
        _ => Err(bad("a number, a text or a time is expected")),
    };
    Ok(match name {
        "eq" => Test::Equals(value.clone()),
        "ne" => Test::Differs(value.clone()),
        "in" => Test::In(value.as_array().cloned().ok_or_else(|| bad("a list is expected"))?),
        "gt" => ordered(&[Ordering::Greater])?,
        "gte" => ordered(&[Ordering::Greater, Ordering::Equal])?,
        "lt" => ordered(&[Ordering::Less])?,
        "lte" => ordered(&[Ordering::Less, Ordering::Equal])?,
        "contains" => Test::Contains(text()?, true),
        "icontains" => Test::Contains(text()?.to_lowercase(), false),
        _ => return Err(bad("no such operator: use eq, ne, in, gt, gte, lt, lte, contains or icontains")),
    })
}

impl Field {
    fn passes(&self, test: &Test, record: &Record) -> bool {
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let value = match self {
            Field::User => text(record.scope.user.as_deref()),
            Field::Agent => text(record.scope.agent.as_deref()),
            Field::App => text(record.scope.app.as_deref()),
            Field::Run => text(record.scope.run.as_deref()),
            Field::Id => record.id.to_string().into(),
            Field::Text => record.text.as_str().into(),
            Field::CreatedAt => return test.passes_time(record.created_at),
            Field::UpdatedAt => return test.passes_time(record.updated_at),
            Field::Categories => record.categories.clone().into(),
            Field::Metadata(name) => dotted(&record.metadata, name).cloned().unwrap_or_default(),
        };
        test.passes(&value)
    }
}

/// A field of the metadata; a name with dots goes into objects, where there is no field of that very name.
fn dotted<'m>(metadata: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    metadata.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        dotted(metadata.get(first)?.as_object()?, rest)
    })
}

impl Test {
    fn passes(&self, value: &Value) -> bool {
        let equals = |wanted: &Value| same(value, wanted) || value.as_array().is_some_and(|all| all.contains(wanted));
        match self {
            Test::Present => !value.is_null(),
            Test::Equals(wanted) => equals(wanted),
            Test::Differs(wanted) => !equals(wanted),
            Test::In(wanted) => wanted.iter().any(equals),
            Test::Ordered(orders, bound) => compared(value, bound).is_some_and(|order| orders.contains(&order)),
            Test::Contains(part, case) => {
                let holds = |text: &str| if *case { text.contains(part) } else { text.to_lowercase().contains(part) };
                match value {
                    Value::String(text) => holds(text),
                    Value::Array(all) => all.iter().filter_map(Value::as_str).any(holds),
                    _ => false,
                }
            }
        }
    }

    fn passes_time(&self, millis: u64) -> bool {
        let compared = |bound: &Value| moment(bound).map(|bound| i128::from(millis).cmp(&bound));
        let is = |wanted: &Value| compared(wanted) == Some(Ordering::Equal);
        match self {
            Test::Present => true,
            Test::Equals(wanted) => is(wanted),
            Test::Differs(wanted) => !is(wanted),
            Test::In(wanted) => wanted.iter().any(is),
            Test::Ordered(orders, bound) => compared(bound).is_some_and(|order| orders.contains(&order)),
            Test::Contains(part, _) => crate::filter::shown(millis).contains(part),
        }
    }
}

/// Numbers are the same by value, however they are written.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other) == Ordering::Equal,
        _ => one == other,
    }
}

fn compared(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Number(value), Value::Number(bound)) => value.as_f64()?.partial_cmp(&bound.as_f64()?),
        (Value::String(value), Value::String(bound)) => Some(value.cmp(bound)),
        _ => None,
    }
}

/// A moment of a filter in milliseconds: a time of RFC 3339, a date (its first moment in UTC), or seconds since the epoch.
fn moment(value: &Value) -> Option<i128> {
    match value {
        Value::Number(seconds) => {
            let millis = seconds.as_f64()? * 1000.0;
            #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and keeps the order")]
            millis.is_finite().then_some(millis as i128)
        }
        Value::String(text) => {
            let time = text.parse::<Timestamp>().ok();
            let date = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
            let time = time.or_else(|| Some(date()?.timestamp()))?;
            Some(i128::from(time.as_millisecond()))
        }
        _ => None,
    }
}

/// A moment as text of RFC 3339.
pub fn shown(millis: u64) -> String {
    timestamp(millis).to_string()
}

/// The day of a moment, in UTC.
pub fn day(millis: u64) -> Date {
    Offset::UTC.to_datetime(timestamp(millis)).date()
}

fn timestamp(millis: u64) -> Timestamp {
    let time = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    time.unwrap_or(Timestamp::MAX)
}
