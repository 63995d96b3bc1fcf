//! The pages under `/docs`: plain HTML, without scripts and without a request to anywhere else.

mod error_page;
mod html;
mod operation;
mod schema;

use serde_json::Value;

use crate::openapi::{Tag, operation_of};
use crate::route::ROWS;
pub(crate) use error_page::error_page;
use html::{Escaped, Prose, page};

/// The style sheet of all pages.
pub(crate) const STYLE: &str = include_str!("reference/style.css");

/// The whole interface on one page, made of its OpenAPI description.
pub(crate) fn reference_page(document: &Value) -> String {
    let mut index = String::new();
    let mut body = String::new();
    for tag in Tag::ALL {
        let operations: Vec<_> = ROWS
            .iter()
            .filter_map(|row| Some((row, operation_of(document, row)?)))
            .filter(|(_, operation)| operation.pointer("/tags/0").and_then(Value::as_str) == Some(tag.name()))
            .collect();
        index += &format!("<h2>{}</h2><ul>", Escaped(tag.name()));
        body += &format!("<section><h2>{}</h2>", Escaped(tag.name()));
        for (row, operation) in operations {
            index += &operation::index_entry(row, operation);
            body += &operation::section(document, row, operation);
        }
        index += "</ul>";
        body += "</section>";
    }
    let about = document.pointer("/info/description").and_then(Value::as_str).unwrap_or_default();
    page(
        "API reference",
        &format!(
            "<nav aria-label=\"Calls\">{index}</nav><main><h1>Qwetty API Keys</h1>{}<p>The same for \
            programs: <a href=\"/openapi.json\">OpenAPI 3.1</a>. Every error code: <a \
            href=\"/docs/errors\">errors</a>.</p>{body}</main>",
            Prose(about)
        ),
    )
}

#[cfg(test)]
mod tests;
