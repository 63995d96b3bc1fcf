use maud::{Markup, html};
use qwetty_keys::Status;
use qwetty_storage::{KeySort, Order};

use crate::fields::{Fields, FieldsError};
use crate::misplaced::shortened;
use crate::route::HOME;
use crate::view::field::{Choice, Field, Kind};
use crate::view::icon::{self, Icon};
use crate::view::pagination::Paging;
use crate::view::status;

/// Which keys the list shows, all of it in the address of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Filter {
    pub(super) search: Option<String>,
    pub(super) status: Option<Status>,
    pub(super) sort: KeySort,
    pub(super) order: Order,
    pub(super) paging: Paging,
}

const STATUSES: [Status; 4] = [Status::Active, Status::ExpiringSoon, Status::Expired, Status::Revoked];

impl Filter {
    pub(super) fn read(query: &mut Fields) -> Result<Self, FieldsError> {
        Ok(Self {
            search: query.filled("search")?.map(shortened),
            status: query.choice("status", |text| text.parse().ok())?,
            sort: query.choice("sort", |text| text.parse().ok())?.unwrap_or_default(),
            order: query.choice("order", parse_order)?.unwrap_or_default(),
            paging: query.choice("page", Paging::parse)?.unwrap_or_default(),
        })
    }

    /// Whether it leaves keys out.
    pub(super) const fn is_narrow(&self) -> bool {
        self.search.is_some() || self.status.is_some()
    }

    /// Where another page of the same list is.
    pub(super) fn address_of_page(&self, page: u64) -> String {
        address(self.search.as_deref(), self.status, self.sort, self.order, page)
    }

    /// The form that changes it. It begins at the first page again.
    pub(super) fn form(&self) -> Markup {
        let statuses =
            STATUSES.map(|known| choice(known.as_str(), status::label(known), self.status == Some(known)));
        let any = choice("", "Any status", self.status.is_none());
        let sorts = KeySort::ALL.map(|sort| choice(sort.as_str(), label(sort), self.sort == sort));
        let orders = [Order::Descending, Order::Ascending]
            .map(|order| choice(word(order), order_label(order), self.order == order));
        html! {
            form.filter method="get" action=(HOME) role="search" aria-label="API keys" {
                (Field::new("search", "Search").line(Kind::Search, self.search.as_deref().unwrap_or_default()))
                (Field::new("status", "Status").select(&[&[any][..], &statuses].concat()))
                (Field::new("sort", "Sort by").select(&sorts))
                (Field::new("order", "Order").select(&orders))
                button.quiet type="submit" { (icon::of(Icon::Search)) "Show" }
                @if self.is_narrow() { a.clear href=(HOME) { "Show all keys" } }
            }
        }
    }

    /// The head of a column; of one that the list can be sorted by, a link that does it.
    pub(super) fn column(&self, sort: Option<KeySort>, label: &str) -> Markup {
        let Some(sort) = sort else { return html! { th role="columnheader" scope="col" { (label) } } };
        let (aria, next) = match (self.sort == sort, self.order) {
            (true, Order::Ascending) => (Some("ascending"), Order::Descending),
            (true, Order::Descending) => (Some("descending"), Order::Ascending),
            (false, _) if sort == KeySort::Name => (None, Order::Ascending),
            (false, _) => (None, Order::Descending),
        };
        let class = if sort == KeySort::RequestCount { "number" } else { "" };
        html! {
            th class=(class) role="columnheader" scope="col" aria-sort=[aria] {
                a href=(address(self.search.as_deref(), self.status, sort, next, 1)) { (label) }
            }
        }
    }
}

/// The address of a page of the list, without what goes without saying.
fn address(search: Option<&str>, status: Option<Status>, sort: KeySort, order: Order, page: u64) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(search) = search {
        query.append_pair("search", search);
    }
    if let Some(status) = status {
        query.append_pair("status", status.as_str());
    }
    if (sort, order) != (KeySort::default(), Order::default()) {
        query.append_pair("sort", sort.as_str()).append_pair("order", word(order));
    }
    if page > 1 {
        query.append_pair("page", &page.to_string());
    }
    let query = query.finish();
    if query.is_empty() { HOME.to_owned() } else { format!("{HOME}?{query}") }
}

const fn choice<'a>(value: &'a str, label: &'a str, is_chosen: bool) -> Choice<'a> {
    Choice { value, label, hint: None, is_chosen }
}

const fn label(sort: KeySort) -> &'static str {
    match sort {
        KeySort::CreatedAt => "Created",
        KeySort::Name => "Name",
        KeySort::ExpiresAt => "Expires",
        KeySort::LastUsedAt => "Last used",
        KeySort::RequestCount => "Requests",
    }
}

fn parse_order(text: &str) -> Option<Order> {
    [Order::Ascending, Order::Descending].into_iter().find(|order| word(*order) == text)
}

const fn word(order: Order) -> &'static str {
    match order {
        Order::Ascending => "asc",
        Order::Descending => "desc",
    }
}

const fn order_label(order: Order) -> &'static str {
    match order {
        Order::Ascending => "Ascending",
        Order::Descending => "Descending",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Result<Filter, FieldsError> {
        let mut fields = Fields::parse(query.as_bytes()).unwrap();
        let filter = Filter::read(&mut fields)?;
        fields.finish().map(|()| filter)
    }

    #[test]
    fn an_address_leads_back_to_its_filter() {
        for query in [
            "",
            "?search=a%26b%3D%22%3C&status=expiring_soon&sort=name&order=asc&page=3",
            "?sort=createdAt&order=asc",
        ] {
            let read = filter(query.trim_start_matches('?')).unwrap();
            assert_eq!(read.address_of_page(read.paging.number()), format!("{HOME}{query}"));
        }
    }

    #[test]
    fn what_a_form_leaves_empty_is_not_asked_for() {
        assert_eq!(filter("search=&status=&sort=createdAt&order=desc").unwrap(), Filter::default());
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for query in ["status=gone", "sort=id", "order=up", "page=0", "page=x", "limit=5", "page=1&page=1"] {
            assert!(filter(query).is_err(), "{query}");
        }
    }
}
