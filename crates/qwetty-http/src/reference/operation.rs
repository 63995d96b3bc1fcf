//! One call on the page.

use serde_json::Value;

use super::html::{Escaped, Line, Prose};
use super::schema::{fields, kind};
use crate::openapi::resolve;
use crate::route::Row;

/// The call in the list beside the page.
pub(super) fn index_entry(row: &Row, operation: &Value) -> String {
    let (id, summary) = (text(operation, "operationId"), text(operation, "summary"));
    format!(
        "<li><a href=\"#{}\" title=\"{} {}\">{}</a></li>",
        Escaped(id),
        row.methods,
        Escaped(row.template()),
        Escaped(summary)
    )
}

/// The call itself.
pub(super) fn section(document: &Value, row: &Row, operation: &Value) -> String {
    format!(
        "<article id=\"{}\"><h3>{}</h3><p class=\"call\"><code>{} {}</code></p>{}{}{}{}</article>",
        Escaped(text(operation, "operationId")),
        Escaped(text(operation, "summary")),
        row.methods,
        Escaped(row.template()),
        Prose(text(operation, "description")),
        parameters(operation),
        body(document, operation),
        answers(document, operation),
    )
}

fn parameters(operation: &Value) -> String {
    let Some(parameters) =
        operation.get("parameters").and_then(Value::as_array).filter(|all| !all.is_empty())
    else {
        return String::new();
    };
    let rows: String = parameters
        .iter()
        .map(|parameter| {
            format!(
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
                Escaped(text(parameter, "name")),
                Escaped(text(parameter, "in")),
                parameter.get("schema").map(kind).unwrap_or_default(),
                Line(text(parameter, "description")),
            )
        })
        .collect();
    format!(
        "<h4>Parameters</h4><table><thead><tr><th>name</th><th>in</th><th>form</th><th></th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    )
}

fn body(document: &Value, operation: &Value) -> String {
    let Some(body) = operation.get("requestBody") else { return String::new() };
    let must = if body.get("required") == Some(&Value::Bool(true)) { "" } else { ", which may be absent" };
    format!("<h4>Body{must}</h4>{}", content(document, body))
}

fn answers(document: &Value, operation: &Value) -> String {
    let Some(responses) = operation.get("responses").and_then(Value::as_object) else { return String::new() };
    let mut successes = String::new();
    let mut errors = String::new();
    for (status, response) in responses {
        let response = resolve(document, response);
        if status.starts_with('2') {
            let headers: Vec<String> = response
                .get("headers")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|headers| headers.keys())
                .map(|name| format!("<code>{}</code>", Escaped(name)))
                .collect();
            successes += &format!(
                "<h4>Answer: {}</h4><p>{} Headers: {}.</p>{}",
                Escaped(status),
                Line(text(response, "description")),
                headers.join(", "),
                content(document, response)
            );
        } else {
            errors += &codes(status, response);
        }
    }
    format!("{successes}<h4>Errors</h4><ul class=\"codes\">{errors}</ul>")
}

fn codes(status: &str, response: &Value) -> String {
    let examples = response.pointer("/content/application~1problem+json/examples").and_then(Value::as_object);
    examples
        .into_iter()
        .flat_map(|examples| examples.keys())
        .map(|code| {
            let code = Escaped(code);
            format!("<li><a href=\"/docs/errors#{code}\">{} <code>{code}</code></a></li>", Escaped(status))
        })
        .collect()
}

/// The fields of a JSON body, and an example.
fn content(document: &Value, holder: &Value) -> String {
    let Some(content) = holder.pointer("/content/application~1json") else { return String::new() };
    let fields = content.get("schema").map(|schema| fields(document, schema)).unwrap_or_default();
    let example = content.get("example").and_then(|example| serde_json::to_string_pretty(example).ok());
    let example = example.map(|example| format!("<pre>{}</pre>", Escaped(&example))).unwrap_or_default();
    fields + &example
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object.get(member).and_then(Value::as_str).unwrap_or_default()
}
