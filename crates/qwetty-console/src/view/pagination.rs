use maud::{Markup, html};
use qwetty_storage::Page;

use super::empty::empty;
use super::icon::{self, Icon};

/// How many rows a page of a list has.
pub(crate) const ROWS: u32 = 25;
/// The largest page number: what a store can still count its rows to.
const MOST: u64 = 1_000_000_000;

/// Which page of a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paging(u64);

impl Paging {
    /// The page that a parameter names, from 1.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = if text.starts_with('+') { None } else { text.parse().ok() };
        number.filter(|number| (1..=MOST).contains(number)).map(Self)
    }

    /// Its number, from 1.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// The same part as a store counts it.
    pub(crate) const fn page_of_store(self) -> Page {
        Page { offset: self.before(), limit: ROWS }
    }

    const fn before(self) -> u64 {
        self.0.saturating_sub(1).saturating_mul(ROWS as u64)
    }
}

impl Default for Paging {
    fn default() -> Self {
        Self(1)
    }
}

/// The way through a list of `total` rows, of which `shown` are on this page. `address` is where another page is.
pub(crate) fn pagination(
    paging: Paging,
    shown: usize,
    total: u64,
    address: impl Fn(u64) -> String,
) -> Markup {
    let first = paging.before().saturating_add(1);
    let last = paging.before().saturating_add(u64::try_from(shown).unwrap_or(u64::MAX));
    let pages = total.div_ceil(u64::from(ROWS)).max(1);
    if shown == 0 {
        return no_such_page(paging, pages, address);
    }
    html! {
        nav.pagination aria-label="Pages" {
            p { (grouped(first)) "–" (grouped(last)) " of " (grouped(total)) }
            @if pages > 1 {
                ul {
                    @if paging.number() > 1 {
                        li { a.button.quiet rel="prev" href=(address(paging.number() - 1)) {
                            (icon::of(Icon::Previous)) "Previous"
                        } }
                    }
                    li.pagination-place { "Page " (grouped(paging.number())) " of " (grouped(pages)) }
                    @if paging.number() < pages {
                        li { a.button.quiet rel="next" href=(address(paging.number() + 1)) {
                            "Next" (icon::of(Icon::Next))
                        } }
                    }
                }
            }
        }
    }
}

/// What stands in the place of a page past the end.
fn no_such_page(paging: Paging, pages: u64, address: impl Fn(u64) -> String) -> Markup {
    let title = format!("There is no page {}", grouped(paging.number()));
    empty(
        &title,
        &html! {
            p { a.button.quiet href=(address(pages)) { "Go to the last page, " (grouped(pages)) } }
        },
    )
}

/// A number in groups of three digits: `10,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_count_from_one() {
        assert_eq!(Paging::parse("3").unwrap().page_of_store(), Page { offset: 50, limit: 25 });
        for text in ["0", "-1", "+1", "1.0", "", "x", "1000000001"] {
            assert_eq!(Paging::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_way_back_from_beyond_the_end_leads_to_the_last_page() {
        let beyond = pagination(Paging(9), 0, 30, |page| format!("?page={page}")).0;
        assert!(beyond.contains("There is no page 9") && beyond.contains("href=\"?page=2\""), "{beyond}");
        assert!(!beyond.contains("<nav"), "{beyond}");
        let only = pagination(Paging(1), 25, 25, |page| format!("?page={page}")).0;
        assert!(!only.contains("href"), "{only}");
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
