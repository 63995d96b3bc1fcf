use serde::Serialize;
use utoipa::ToSchema;

use crate::query::Paging;

/// One object: `{"data": {…}}`.
#[derive(Serialize)]
pub(crate) struct Data<T> {
    /// The object.
    pub(crate) data: T,
}

/// A page of a list: `{"data": […], "meta": {…}}`.
#[derive(Serialize)]
pub(crate) struct List<T> {
    /// The items of the page; none past the end.
    pub(crate) data: Vec<T>,
    /// Which page of how many.
    pub(crate) meta: Meta,
}

/// Where a page stands in its list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PageMeta)]
pub(crate) struct Meta {
    /// The page asked for, from 1.
    page: u64,
    /// How many items a page holds.
    limit: u32,
    /// How many items there are on all pages.
    total: u64,
    /// How many pages there are; 0 for an empty list.
    total_pages: u64,
}

impl Meta {
    /// The page asked for of a list of `total` items. An empty list has no pages.
    pub(crate) fn new(paging: Paging, total: u64) -> Self {
        let total_pages = total.div_ceil(u64::from(paging.limit).max(1));
        Self { page: paging.page, limit: paging.limit, total, total_pages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_stands_under_data() {
        assert_eq!(serde_json::to_string(&Data { data: [1] }).unwrap(), r#"{"data":[1]}"#);
    }

    #[test]
    fn a_list_tells_its_place() {
        let list = List { data: vec![1, 2], meta: Meta::new(Paging { page: 3, limit: 10 }, 22) };
        assert_eq!(
            serde_json::to_string(&list).unwrap(),
            r#"{"data":[1,2],"meta":{"page":3,"limit":10,"total":22,"totalPages":3}}"#
        );
    }

    #[test]
    fn the_last_page_may_be_full_and_an_empty_list_has_none() {
        let pages = |total| Meta::new(Paging { page: 1, limit: 10 }, total).total_pages;
        assert_eq!([pages(0), pages(1), pages(10), pages(11), pages(20)], [0, 1, 1, 2, 2]);
    }
}
