//! A JSON schema, as far as the description uses it, as a table of fields.

use serde_json::Value;

use super::html::{Escaped, Line};
use crate::openapi::resolve;

/// How deep fields are shown inside fields; deeper ones show in the example.
const DEPTH: usize = 3;

/// The fields of an object, those of its members included, as a table; nothing for anything else.
pub(super) fn fields(document: &Value, schema: &Value) -> String {
    let mut rows = String::new();
    add(document, schema, "", DEPTH, &mut rows);
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<table><thead><tr><th>field</th><th>form</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
    )
}

/// What a value looks like, in a few words.
pub(super) fn kind(schema: &Value) -> String {
    let mut words = vec![match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(
            " or \
            ",
        ),
        Some(Value::String(kind)) => kind.clone(),
        _ => String::new(),
    }];
    let range = (number(schema, "minimum"), number(schema, "maximum"));
    match range {
        (Some(least), Some(most)) => words.push(format!("{least} to {most}")),
        (Some(least), None) => words.push(format!("{least} or more")),
        _ => {}
    }
    if let Some(Value::Array(all)) = schema.get("enum") {
        let all: Vec<String> = all
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("<code>{}</code>", Escaped(word)))
            .collect();
        words.push(format!("one of {}", all.join(", ")));
    }
    if let Some(format) =
        schema.get("format").and_then(Value::as_str).filter(|format| !format.starts_with("int"))
    {
        words.push(Escaped(format).to_string());
    }
    if let Some(default) = schema.get("default") {
        words.push(format!(
            "default <code>{}</code>",
            Escaped(default.as_str().unwrap_or(&default.to_string()))
        ));
    }
    words.retain(|word| !word.is_empty());
    words.join("; ")
}

fn add(document: &Value, schema: &Value, path: &str, depth: usize, rows: &mut String) {
    let schema = resolve(document, schema);
    for part in parts(schema, "allOf") {
        add(document, part, path, depth, rows);
    }
    for choice in parts(schema, "oneOf") {
        let title = choice.get("title").and_then(Value::as_str).unwrap_or_default();
        let mut fields = String::new();
        add(document, choice, path, depth, &mut fields);
        rows.push_str(&format!("<tr><th colspan=\"3\">{}</th></tr>{fields}", Escaped(title)));
    }
    let required = schema.get("required").and_then(Value::as_array);
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let form = resolve(document, one_that_is(field));
        let described = described(field).or_else(|| described(form)).unwrap_or_default();
        let optional = required.is_none_or(|required| !required.iter().any(|one| one == name));
        rows.push_str(&format!(
            "<tr><td><code>{}</code>{}</td><td>{}{}</td><td>{}</td></tr>",
            Escaped(&path),
            if optional { " <small>optional</small>" } else { "" },
            kind(form),
            if std::ptr::eq(one_that_is(field), field) { "" } else { " or null" },
            Line(described),
        ));
        if depth > 1 {
            add(document, form, &path, depth - 1, rows);
            if let Some(items) = form.get("items") {
                add(document, items, &format!("{path}[]"), depth - 1, rows);
            }
        }
    }
}

fn parts<'a>(schema: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    schema.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// Of a schema or null, the schema.
fn one_that_is(schema: &Value) -> &Value {
    let choices = schema.get("oneOf").and_then(Value::as_array);
    let choice = choices.and_then(|all| all.iter().find(|one| one.get("type") != Some(&Value::from("null"))));
    choice.unwrap_or(schema)
}

fn described(schema: &Value) -> Option<&str> {
    one_that_is(schema).get("description").or_else(|| schema.get("description"))?.as_str()
}

fn number(schema: &Value, member: &str) -> Option<u64> {
    schema.get(member)?.as_u64()
}
