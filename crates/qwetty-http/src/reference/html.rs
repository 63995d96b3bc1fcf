//! Text as HTML. Whatever is written into a page goes through one of these.

use std::fmt::{self, Display, Formatter, Write};

/// Text that means itself, in content and in quoted attributes.
pub(super) struct Escaped<'a>(pub(super) &'a str);

/// A line of text in which what stands between backticks is code.
pub(super) struct Line<'a>(pub(super) &'a str);

/// Paragraphs of such text, with an empty line between them.
pub(super) struct Prose<'a>(pub(super) &'a str);

/// A whole page around its body.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Qwetty API \
        Keys</title><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link \
        rel=\"stylesheet\" href=\"/docs/style.css\"></head><body>{body}</body></html>\n",
        title = Escaped(title),
    )
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.split('`').enumerate() {
            if index % 2 == 1 {
                write!(f, "<code>{}</code>", Escaped(part))?;
            } else {
                write!(f, "{}", Escaped(part))?;
            }
        }
        Ok(())
    }
}

impl Display for Prose<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.split("\n\n").try_for_each(|paragraph| write!(f, "<p>{}</p>", Line(paragraph)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(Escaped(r#"<b a="x">&'"#).to_string(), "&lt;b a=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(Line("say `<b>` & go").to_string(), "say <code>&lt;b&gt;</code> &amp; go");
        assert_eq!(Prose("one\n\ntwo").to_string(), "<p>one</p><p>two</p>");
    }
}
