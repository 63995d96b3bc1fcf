//! What is said once, on the page after something was done.

use std::borrow::Cow;

/// A sentence for the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// What kind of news it is.
    pub(crate) tone: Tone,
    /// The sentence.
    pub(crate) text: Cow<'static, str>,
}

/// What kind of news something is; it chooses the look and the icon, never the meaning alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Neither good nor bad.
    Neutral,
    /// As it should be, or just done.
    Good,
    /// Soon to be looked after.
    Warning,
    /// Wrong, refused or over.
    Bad,
}

impl Notice {
    /// Something was done.
    pub(crate) fn done(text: impl Into<Cow<'static, str>>) -> Self {
        Self { tone: Tone::Good, text: text.into() }
    }
}
