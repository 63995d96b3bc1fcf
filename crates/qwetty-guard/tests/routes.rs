//! Properties of the route table, against a matcher that looks at every row.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use http::HeaderMap;
use proptest::prelude::*;
use qwetty_authz::Catalogue;
use qwetty_guard::{ChannelSource, Route, RouteFault, RouteTable};

const ROWS: usize = 12;

/// A permission for each row, so that an answer tells which row gave it.
fn permission(row: usize) -> String {
    format!("row:{row}")
}

fn catalogue() -> Catalogue {
    Catalogue::new((0..ROWS).map(|row| (permission(row), "A row"))).unwrap()
}

#[derive(Debug, Clone)]
struct Row {
    method: &'static str,
    /// `*` is any one segment.
    segments: Vec<&'static str>,
    has_rest: bool,
}

impl Row {
    fn pattern(&self) -> String {
        let mut pattern = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            match *segment {
                "*" => pattern += &format!("/{{p{index}}}"),
                literal => pattern += &format!("/{literal}"),
            }
        }
        if self.has_rest {
            pattern += "/{*rest}";
        }
        if pattern.is_empty() { "/".to_owned() } else { pattern }
    }

    fn matches(&self, method: &str, path: &[&str]) -> bool {
        let long_enough =
            if self.has_rest { path.len() > self.segments.len() } else { path.len() == self.segments.len() };
        let alike = |(own, other): (&&str, &&str)| *own == "*" || own == other;
        self.method == method && long_enough && self.segments.iter().zip(path).all(alike)
    }

    fn route(&self, number: usize) -> Route {
        Route::new(self.method, self.pattern(), [permission(number)])
    }
}

fn row() -> impl Strategy<Value = Row> {
    let method = prop_oneof![3 => Just("GET"), 1 => Just("POST")];
    let segment = prop_oneof![Just("a"), Just("b"), Just("*")];
    (method, proptest::collection::vec(segment, 0..4), any::<bool>())
        .prop_map(|(method, segments, has_rest)| Row { method, segments, has_rest })
}

fn path() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c")], 0..6)
}

/// Every path of up to five segments of which each is one that patterns name, or another.
fn every_path() -> Vec<Vec<&'static str>> {
    let mut paths = vec![vec![]];
    let mut longest: Vec<Vec<&str>> = vec![vec![]];
    for _ in 0..5 {
        longest = longest
            .iter()
            .flat_map(|path| ["a", "b", "c"].map(|segment| [path.as_slice(), &[segment]].concat()))
            .collect();
        paths.extend(longest.iter().cloned());
    }
    paths
}

/// The rows of which a table can be built, one after the other.
fn accepted(rows: Vec<Row>) -> (Vec<Row>, RouteTable) {
    let mut kept: Vec<Row> = Vec::new();
    let mut table = RouteTable::default();
    for row in rows {
        let routes = kept.iter().chain([&row]).enumerate().map(|(number, row)| row.route(number));
        match RouteTable::new(routes, &catalogue()) {
            Ok(larger) => {
                table = larger;
                kept.push(row);
            }
            Err(error) => {
                assert_eq!(error.row, kept.len() + 1);
                let RouteFault::Unreachable(earlier) = error.fault else { panic!("{error}") };
                let earlier = &kept[earlier - 1];
                for path in every_path() {
                    assert!(
                        !row.matches(row.method, &path) || earlier.matches(row.method, &path),
                        "{path:?}"
                    );
                }
            }
        }
    }
    (kept, table)
}

fn found(table: &RouteTable, method: &str, target: &str) -> Option<String> {
    let headers = HeaderMap::new();
    let need = table.find(method, target.as_bytes(), &headers).ok()?;
    need.permissions().first().map(|name| (*name).to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_first_row_that_matches_decides(
        rows in proptest::collection::vec(row(), 0..ROWS),
        paths in proptest::collection::vec(path(), 1..40),
    ) {
        let (rows, table) = accepted(rows);
        for path in paths {
            for method in ["GET", "POST", "PUT"] {
                let wanted = rows.iter().position(|row| row.matches(method, &path)).map(permission);
                let target = format!("/{}", path.join("/"));
                prop_assert_eq!(found(&table, method, &target), wanted, "{} {}", method, target);
            }
        }
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(
        method in ".{0,8}",
        target in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let routes = [
            Route::new("GET", "/{a}/{b}", [permission(0)]).with_channel(ChannelSource::Path("b".into())),
            Route::new("GET", "/{*all}", [permission(1)]).with_channel(ChannelSource::Query("c".into())),
        ];
        let table = RouteTable::new(routes, &catalogue()).unwrap();
        let headers = HeaderMap::new();
        let _ = table.find(&method, &target, &headers);
        let slashed = [&b"/"[..], &target].concat();
        let _ = table.find("GET", &slashed, &headers);
    }

    #[test]
    fn any_row_is_refused_or_matches_itself(method in "[A-Z!]{1,5}", path in r"/[a-z%2Ff.{}*;@/\\]{0,12}") {
        let route = Route::new(method.as_str(), path.as_str(), [permission(0)]);
        if let Ok(table) = RouteTable::new([route], &catalogue()) {
            let request = path.replace("{*", "{");
            prop_assert!(found(&table, &method, &request).is_some(), "{}", request);
        }
    }
}
