use qwetty_guard::ErrorCode;

use super::html::{Escaped, Line, page};
use crate::error_guide::guide;

/// Every error code, each under the anchor that the `type` of its problems points to.
pub(crate) fn error_page() -> String {
    let mut index = String::from("<h2>Codes</h2><ul>");
    let mut body = String::new();
    for code in ErrorCode::ALL {
        let (name, status, guide) = (Escaped(code.as_str()), code.status().as_u16(), guide(code));
        index += &format!("<li><a href=\"#{name}\">{status} <code>{name}</code></a></li>");
        body += &format!(
            "<article id=\"{name}\"><h3><code>{name}</code></h3><p>{status} · \
            <em>{}</em></p><p><strong>Cause.</strong> {}</p><p><strong>Remedy.</strong> {}</p></article>",
            Escaped(code.detail()),
            Line(guide.cause),
            Line(guide.remedy),
        );
    }
    page(
        "Errors",
        &format!(
            "<nav aria-label=\"Codes\">{index}</ul></nav><main><h1>Errors</h1><p>Every error is a problem \
            document (RFC 9457) with a <code>code</code> that never changes. All calls: <a \
            href=\"/docs\">API reference</a>.</p>{body}</main>"
        ),
    )
}
