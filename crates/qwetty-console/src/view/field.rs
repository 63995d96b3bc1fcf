use maud::{Markup, html};

/// A field of a form: what it is called, what to know of it, and what is wrong with what was typed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Field<'a> {
    /// Its name in the form; also its id on the page.
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    /// What helps to fill it in.
    pub(crate) hint: Option<&'a str>,
    /// What is wrong with what was typed.
    pub(crate) errors: &'a [String],
    /// The field around it whose faults are about what was typed here.
    pub(crate) faulty_with: Option<&'a str>,
    pub(crate) is_required: bool,
}

/// One thing to choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice<'a> {
    pub(crate) value: &'a str,
    pub(crate) label: &'a str,
    /// What helps to choose it.
    pub(crate) hint: Option<&'a str>,
    pub(crate) is_chosen: bool,
}

/// How a line of text is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// Not shown while it is typed, and not remembered by the browser.
    Secret,
    Search,
    Date,
}

/// After it there is nothing that RFC 3339 can write.
const LAST_DAY: &str = "9999-12-31";

impl<'a> Field<'a> {
    /// A field with neither hint nor fault.
    pub(crate) fn new(name: &'a str, label: &'a str) -> Self {
        Self { name, label, ..Self::default() }
    }

    /// A line of text.
    pub(crate) fn line(&self, kind: Kind, value: &str) -> Markup {
        let input = match kind {
            Kind::Text => "text",
            Kind::Secret => "password",
            Kind::Search => "search",
            Kind::Date => "date",
        };
        let max = (kind == Kind::Date).then_some(LAST_DAY);
        self.around(&html! {
            input type=(input) name=(self.name) id=(self.name) value=[(!value.is_empty()).then_some(value)]
                max=[max] autocomplete="off" spellcheck="false" autocapitalize="none"
                required[self.is_required] aria-describedby=[self.described_by()]
                aria-invalid=[self.invalid()];
        })
    }

    /// Several lines of text.
    pub(crate) fn lines(&self, rows: u8, value: &str) -> Markup {
        self.around(&html! {
            textarea name=(self.name) id=(self.name) rows=(rows) spellcheck="false"
                required[self.is_required] aria-describedby=[self.described_by()]
                // A browser drops the first line break of a text area, so one is there to be dropped.
                aria-invalid=[self.invalid()] { "\n" (value) }
        })
    }

    /// One of a few, in a list that opens.
    pub(crate) fn select(&self, choices: &[Choice<'_>]) -> Markup {
        self.around(&html! {
            select name=(self.name) id=(self.name) aria-describedby=[self.described_by()]
                aria-invalid=[self.invalid()] {
                @for choice in choices {
                    option value=(choice.value) selected[choice.is_chosen] { (choice.label) }
                }
            }
        })
    }

    /// Any of some, or exactly one, each with its own box.
    pub(crate) fn boxes(&self, picks: Picks, choices: &[Choice<'_>]) -> Markup {
        self.group(&boxes(self.name, picks, choices))
    }

    /// Several controls that make up one field, each with a label of its own.
    pub(crate) fn group(&self, controls: &Markup) -> Markup {
        html! {
            fieldset.field id=(self.name) tabindex="-1" aria-describedby=[self.described_by()] {
                legend { (self.label) }
                (self.hint())
                (self.errors())
                (controls)
            }
        }
    }

    fn around(&self, control: &Markup) -> Markup {
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                (self.hint())
                (self.errors())
                (control)
            }
        }
    }

    fn hint(&self) -> Markup {
        html! { @if let Some(hint) = self.hint { p.hint id={ (self.name) "-hint" } { (hint) } } }
    }

    fn errors(&self) -> Markup {
        html! {
            @if !self.errors.is_empty() {
                ul.errors id={ (self.name) "-errors" } {
                    @for error in self.errors { li { (error) } }
                }
            }
        }
    }

    fn described_by(&self) -> Option<String> {
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        let errors = (!self.errors.is_empty()).then(|| format!("{}-errors", self.name));
        let around = self.faulty_with.map(|field| format!("{field}-errors"));
        let ids: Vec<String> = hint.into_iter().chain(errors).chain(around).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn invalid(&self) -> Option<&'static str> {
        (!self.errors.is_empty() || self.faulty_with.is_some()).then_some("true")
    }
}

/// Boxes to tick, which are sent under this name.
pub(crate) fn boxes(name: &str, picks: Picks, choices: &[Choice<'_>]) -> Markup {
    let input = match picks {
        Picks::Any => "checkbox",
        Picks::One => "radio",
    };
    html! {
        div.boxes {
            @for choice in choices {
                label.box {
                    input type=(input) name=(name) value=(choice.value) checked[choice.is_chosen];
                    span.box-text {
                        bdi { (choice.label) }
                        @if let Some(hint) = choice.hint { span.hint { (hint) } }
                    }
                }
            }
        }
    }
}

/// How many of the boxes may be ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picks {
    Any,
    One,
}
