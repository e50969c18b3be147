//! The operations of an OpenAPI document, and requests made of their schemas: fitting ones, and ones that do not fit.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Value>,
    /// The statuses that it may answer with; `default` is 0.
    pub(crate) statuses: BTreeSet<u16>,
    /// The kinds of content that it may answer with.
    pub(crate) kinds: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) required: bool,
    pub(crate) schema: Value,
}

/// A request that was made up.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) path: String,
    pub(crate) body: Option<String>,
}

/// All operations of a document.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if !["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                continue;
            }
            let shared = item["parameters"].as_array().into_iter().flatten();
            let own = operation["parameters"].as_array().into_iter().flatten();
            let parameters = shared.chain(own).map(|parameter| parameter_of(resolved(document, parameter))).collect();
            let body = &resolved(document, &operation["requestBody"])["content"]["application/json"]["schema"];
            let (mut statuses, mut kinds) = (BTreeSet::new(), BTreeSet::new());
            for (status, response) in operation["responses"].as_object().unwrap() {
                statuses.insert(status.parse().unwrap_or(0));
                let content = resolved(document, response)["content"].as_object();
                let plain = |kind: &String| kind.split(';').next().unwrap().to_owned();
                kinds.extend(content.into_iter().flatten().map(|(kind, _)| plain(kind)));
            }
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                parameters,
                body: (!body.is_null()).then(|| body.clone()),
                statuses,
                kinds,
            });
        }
    }
    found
}

fn parameter_of(parameter: &Value) -> Parameter {
    Parameter {
        name: parameter["name"].as_str().unwrap().to_owned(),
        place: parameter["in"].as_str().unwrap().to_owned(),
        required: parameter["required"].as_bool().unwrap_or(false),
        schema: parameter["schema"].clone(),
    }
}

/// What a reference stands for.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let Some(reference) = value["$ref"].as_str() else { return value };
    let found = document.pointer(reference.trim_start_matches('#'));
    resolved(document, found.unwrap_or_else(|| panic!("the document has no `{reference}`")))
}

/// Numbers in no order that a person sees: xorshift64*, the same for the same seed.
#[derive(Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % end.max(1)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'t, T>(&mut self, things: &'t [T]) -> &'t T {
        &things[self.below(things.len())]
    }
}

/// Texts that have broken programs before.
const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "ana",
    "0",
    "-1",
    "null",
    "true",
    "*",
    "%",
    "'",
    "\"",
    "\\",
    "../../etc/passwd",
    "@memory/local/record/x",
    "'; DROP TABLE cell; --",
    "\u{0}",
    "\u{1f980}\u{200d}",
    "ﷺ",
    "a\nb",
    "AND OR NOT",
    "(",
    "title:\"x",
    "*:*",
    "[a TO b]",
    "1e999",
    "2026-11-22T10:00:00Z",
    "0190a5d8-6f3e-7b3a-9c55-0123456789ab",
    "99999999999999999999",
];

/// Makes requests of the schemas of a document.
#[derive(Debug)]
pub(crate) struct Maker<'d> {
    pub(crate) document: &'d Value,
    pub(crate) chance: Chance,
    /// Names that are there: what makes requests reach further than the first check.
    pub(crate) known: Vec<String>,
}

impl Maker<'_> {
    /// One request for an operation.
    pub(crate) fn request(&mut self, operation: &Operation) -> Made {
        let (mut path, mut query) = (operation.path.clone(), Vec::new());
        for parameter in &operation.parameters {
            if parameter.place == "query" && !parameter.required && self.chance.one_in(2) {
                continue;
            }
            let value = match self.value(&parameter.schema, 0) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            // What is longer can't be sent at all.
            let value: String = value.chars().take(1000).collect();
            match parameter.place.as_str() {
                "path" => {
                    let value = if self.chance.one_in(3) || self.known.is_empty() {
                        value
                    } else {
                        self.chance.pick(&self.known).clone()
                    };
                    // An empty part would be another path.
                    let value = if value.is_empty() { "x".to_owned() } else { value };
                    let (plain, rest) = (format!("{{{}}}", parameter.name), format!("{{*{}}}", parameter.name));
                    path = path.replace(&plain, &encoded(&value)).replace(&rest, &encoded(&value));
                }
                "query" => query.push(format!("{}={}", encoded(&parameter.name), encoded(&value))),
                _ => {}
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let body = operation.body.clone().map(|schema| {
            let body = self.value(&schema, 0).to_string();
            if self.chance.one_in(25) { body.chars().take(body.chars().count() / 2).collect() } else { body }
        });
        Made { path, body }
    }

    /// A value that fits a schema, mostly.
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if self.chance.one_in(18) {
            return self.odd();
        }
        let schema = resolved(self.document, schema);
        if depth > 6 {
            return Value::Null;
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.chance.pick(values).clone();
        }
        for name in ["oneOf", "anyOf"] {
            if let Some(schemas) = schema[name].as_array() {
                let chosen = self.chance.pick(schemas).clone();
                let value = self.value(&chosen, depth + 1);
                return self.with_properties(value, schema, depth);
            }
        }
        if let Some(schemas) = schema["allOf"].as_array() {
            let mut all = Map::new();
            for schema in schemas {
                if let Value::Object(part) = self.value(schema, depth + 1) {
                    all.extend(part);
                }
            }
            return self.with_properties(Value::Object(all), schema, depth);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.chance.pick(kinds).as_str().unwrap().to_owned(),
            kind => kind.as_str().unwrap_or("any").to_owned(),
        };
        self.of_kind(&kind, schema, depth)
    }

    fn of_kind(&mut self, kind: &str, schema: &Value, depth: usize) -> Value {
        match kind {
            "object" => self.with_properties(json!({}), schema, depth),
            "array" => {
                let count = self.chance.below(4);
                Value::Array((0..count).map(|_| self.value(&schema["items"], depth + 1)).collect())
            }
            "string" => self.text(schema),
            "integer" => {
                self.chance.pick(&[json!(0), json!(1), json!(7), json!(100), json!(-1), json!(u64::MAX)]).clone()
            }
            "number" => self.chance.pick(&[json!(0), json!(0.5), json!(-3.25), json!(1e300), json!(17)]).clone(),
            "boolean" => json!(self.chance.one_in(2)),
            "null" => Value::Null,
            _ => self.odd(),
        }
    }

    fn text(&mut self, schema: &Value) -> Value {
        if !self.known.is_empty() && (schema["format"] == "uuid" || self.chance.one_in(3)) {
            return self.chance.pick(&self.known).clone().into();
        }
        if self.chance.one_in(30) {
            return "x".repeat(70_000).into();
        }
        (*self.chance.pick(TEXTS)).into()
    }

    fn with_properties(&mut self, value: Value, schema: &Value, depth: usize) -> Value {
        let Value::Object(mut object) = value else { return value };
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties: Vec<(String, Value)> = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (name, property) in properties {
            if required.contains(&name.as_str()) && !self.chance.one_in(20) || self.chance.one_in(2) {
                let value = self.value(&property, depth + 1);
                object.insert(name, value);
            }
        }
        if self.chance.one_in(15) {
            let odd = self.odd();
            object.insert((*self.chance.pick(TEXTS)).to_owned(), odd);
        }
        Value::Object(object)
    }

    fn odd(&mut self) -> Value {
        let text = *self.chance.pick(TEXTS);
        match self.chance.below(7) {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!({ text: [text, {"in": [text]}] }),
            4 => json!(-1),
            5 => json!(true),
            _ => text.into(),
        }
    }
}

/// A text as a part of a path or query.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
