use maud::{Markup, html};
use qwetty_storage::{DirectoryQuery, Order, Search};

use crate::fields::{Fields, FieldsError};
use crate::view::empty::empty;
use crate::view::field::{Field, Kind};
use crate::view::icon::{self, Icon};
use crate::view::pagination::Paging;

/// Which of a list of organizations or channels is shown, all of it in the address of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Directory {
    pub(super) search: Option<String>,
    pub(super) paging: Paging,
}

impl Directory {
    pub(super) fn read(query: &mut Fields) -> Result<Self, FieldsError> {
        let search = query.filled("search")?;
        let paging = query.choice("page", Paging::parse)?.unwrap_or_default();
        query.finish()?;
        Ok(Self { search, paging })
    }

    /// The same for a store: the newest first.
    pub(super) fn query(&self) -> DirectoryQuery {
        DirectoryQuery {
            search: self.search.as_deref().and_then(Search::new),
            order: Order::Descending,
            page: self.paging.page_of_store(),
        }
    }

    /// Where another page of the same list is.
    pub(super) fn address_of_page(&self, path: &str, page: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(search) = &self.search {
            query.append_pair("search", search);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The form that searches the list at `path`.
    pub(super) fn form(&self, path: &str, of: &str) -> Markup {
        html! {
            form.filter.short method="get" action=(path) role="search" aria-label=(of) {
                (Field::new("search", "Search").line(Kind::Search, self.search.as_deref().unwrap_or_default()))
                button.quiet type="submit" { (icon::of(Icon::Search)) "Show" }
                @if self.search.is_some() { a.clear href=(path) { "Show all" } }
            }
        }
    }

    /// What stands in the place of a list that the search left nothing of.
    pub(super) fn nothing_matches(path: &str, told: &str) -> Markup {
        empty(
            "Nothing matches",
            &html! {
                p { (told) }
                p { a.button.quiet href=(path) { "Show all" } }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_its_search() {
        for query in ["", "?search=a%26b%3D%22%3C", "?search=x&page=3", "?page=2"] {
            let mut fields = Fields::parse(query.trim_start_matches('?').as_bytes()).unwrap();
            let read = Directory::read(&mut fields).unwrap();
            assert_eq!(read.address_of_page("/list", read.paging.number()), format!("/list{query}"));
        }
    }
}
