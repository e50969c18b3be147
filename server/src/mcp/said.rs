//! How answers are put into words for a model: records as data with their trust, failures with what to do.

use crate::http::Problem;
use memory::Record;
use memory::filter::shown;
use rmcp::ErrorData;
use rmcp::handler::server::tool::IntoCallToolResult;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use std::fmt;

/// An answer as data, and in words.
#[derive(Debug)]
pub(super) struct Told<T> {
    pub(super) text: String,
    pub(super) data: T,
}

impl<T: Serialize + JsonSchema> IntoCallToolResult for Told<T> {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        let data =
            serde_json::to_value(self.data).map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let mut result = CallToolResult::success(vec![ContentBlock::text(self.text)]);
        result.structured_content = Some(data);
        Ok(result.into())
    }
}

/// Why a tool could not do what it was asked, and what to do.
#[derive(Debug)]
pub(super) struct Failure(String);

impl Failure {
    pub(super) fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }
}

impl IntoCallToolResult for Failure {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        Ok(CallToolResult::error(vec![ContentBlock::text(self.0)]).into())
    }
}

/// What would be told over HTTP is told here: nothing of the inside.
impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure(error.into().detail)
    }
}

/// A text within an element: nothing in it can end the element or begin another.
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((before, after)) = rest.find(['&', '<', '>', '"']).and_then(|at| rest.split_at_checked(at)) {
            f.write_str(before)?;
            let mut chars = after.chars();
            f.write_str(match chars.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                _ => "&quot;",
            })?;
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// A record as an element: what it says is data, and its trust is told with it.
pub(super) fn element(record: &Record) -> String {
    let trust = serde_json::to_value(record.provenance.trust).unwrap_or_default();
    let mut element =
        format!("<memory id=\"{}\" trust=\"{}\"", record.id, Escaped(trust.as_str().unwrap_or("outside")));
    for (part, name) in record.scope.parts() {
        if let Some(name) = name {
            element += &format!(" {part}=\"{}\"", Escaped(name));
        }
    }
    element + &format!(" created=\"{}\">{}</memory>", shown(record.created_at), Escaped(&record.text))
}

/// Writes a schema as every host can read it: all its fields are listed, if there are none too, and nothing else is allowed.
pub(super) fn closed(schema: &mut Schema) {
    if let Some(object) = schema.as_object_mut() {
        object.remove("unevaluatedProperties");
        object.entry("properties").or_insert_with(|| serde_json::json!({}));
        object.insert("additionalProperties".to_owned(), false.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_in_a_text_can_leave_its_element(text in "[<>&\"a/m -é]{0,40}") {
            let shown = Escaped(&text).to_string();
            prop_assert!(!shown.contains(['<', '>', '"']));
            let back = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }
}
