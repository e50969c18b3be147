//! The document as a page for people.

use serde_json::Value;
use std::fmt::Write;

/// The page of a document.
pub(super) fn html(document: &Value) -> String {
    let mut body = String::new();
    for (path, operations) in fields(document.get("paths")) {
        for (method, operation) in fields(Some(operations)) {
            section(&mut body, method, path, operation);
        }
    }
    let about = text(document.pointer("/info/description"));
    let version = text(document.pointer("/info/version"));
    let mut contents = String::new();
    for (path, operations) in fields(document.get("paths")) {
        for (method, operation) in fields(Some(operations)) {
            let (id, summary) = (text(operation.get("operationId")), text(operation.get("summary")));
            let method = method.to_uppercase();
            let _ = write!(contents, "<li><a href=\"#{id}\"><b>{method}</b> <code>{path}</code></a> {summary}</li>");
        }
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>trace {version}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/docs/page.css\"></head><body><main><h1>trace {version}</h1><p>{about}</p>\
         <p>The document itself: <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>\
         <ul>{contents}</ul>{body}</main></body></html>\n"
    )
}

fn section(out: &mut String, method: &str, path: &str, operation: &Value) {
    let (id, summary) = (text(operation.get("operationId")), text(operation.get("summary")));
    let about = text(operation.get("description"));
    let method = method.to_uppercase();
    let _ =
        write!(out, "<section id=\"{id}\"><h2>{summary}</h2><p><b>{method}</b> <code>{path}</code></p><p>{about}</p>");
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let rows = parameters.fold(String::new(), |mut rows, parameter| {
        let (name, place) = (text(parameter.get("name")), text(parameter.get("in")));
        let about = text(parameter.get("description"));
        let _ = write!(rows, "<tr><td><code>{name}</code></td><td>{place}</td><td>{about}</td></tr>");
        rows
    });
    if !rows.is_empty() {
        let _ = write!(out, "<table>{rows}</table>");
    }
    for (kind, taken) in fields(operation.pointer("/requestBody/content")) {
        let schema = taken.get("schema").map(reference).unwrap_or_default();
        let _ = write!(out, "<p>Takes <code>{kind}</code> {schema}</p>");
        if let Some(example) = taken.get("example") {
            let example = escaped(&serde_json::to_string_pretty(example).unwrap_or_default());
            let _ = write!(out, "<pre>{example}</pre>");
        }
    }
    let rows = fields(operation.get("responses")).fold(String::new(), |mut rows, (status, response)| {
        let about = response.get("$ref").map_or_else(|| text(response.get("description")), |_| reference(response));
        let kinds =
            fields(response.get("content")).map(|(_, kind)| kind.get("schema").map(reference).unwrap_or_default());
        let _ = write!(rows, "<tr><td>{status}</td><td>{about}</td><td>{}</td></tr>", kinds.collect::<String>());
        rows
    });
    let _ = write!(out, "<details><summary>Answers</summary><table>{rows}</table></details></section>");
}

/// The last part of what a schema or an answer refers to.
fn reference(value: &Value) -> String {
    let name = value.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    name.map(|name| format!("<code>{}</code>", escaped(name))).unwrap_or_default()
}

fn fields(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn text(value: Option<&Value>) -> String {
    escaped(value.and_then(Value::as_str).unwrap_or_default())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
