//! From a method and a path to a row of the table.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::route::{AUTHORIZE_ENVOY, ROWS, Row};

/// Finds the row of a request.
pub(crate) struct Router(matchit::Router<Vec<&'static Row>>);

/// A request's row, and the id that stands in its path.
pub(crate) struct Routed {
    pub(crate) row: &'static Row,
    pub(crate) id: Option<String>,
}

/// Why a request has no row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unrouted {
    /// No row has this path.
    UnknownPath,
    /// Rows have this path, with these methods.
    OtherMethods(Vec<Method>),
}

/// The table cannot be served: two of its paths cannot be told apart.
#[derive(Debug, thiserror::Error)]
#[error("the table of calls is ambiguous: {0}")]
pub struct AmbiguousTable(#[from] matchit::InsertError);

impl Router {
    pub(crate) fn new() -> Result<Self, AmbiguousTable> {
        let mut by_path = BTreeMap::<&str, Vec<&Row>>::new();
        for row in ROWS {
            by_path.entry(row.path).or_default().push(row);
        }
        let mut router = matchit::Router::new();
        for (path, rows) in by_path {
            router.insert(path, rows)?;
        }
        Ok(Self(router))
    }

    pub(crate) fn route(&self, method: &Method, path: &str) -> Result<Routed, Unrouted> {
        let found = self.0.at(known(path)).map_err(|_| Unrouted::UnknownPath)?;
        let Some(row) = found.value.iter().find(|row| row.methods.take(method)) else {
            return Err(Unrouted::OtherMethods(methods(found.value)));
        };
        let id = match found.params.get("id") {
            None => None,
            Some(id) => {
                let decoded = percent_decode_str(id).decode_utf8().map_err(|_| Unrouted::UnknownPath)?;
                Some(decoded.into_owned())
            }
        };
        Ok(Routed { row, id })
    }
}

/// The path itself, but for what stands below Envoy's: that is another request's.
fn known(path: &str) -> &str {
    match path.strip_prefix(AUTHORIZE_ENVOY) {
        Some(original) if original.starts_with('/') => AUTHORIZE_ENVOY,
        _ => path,
    }
}

fn methods(rows: &[&Row]) -> Vec<Method> {
    let mut methods: Vec<Method> = rows.iter().flat_map(|row| row.methods.described()).cloned().collect();
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Call;

    fn route(method: Method, path: &str) -> Result<(Call, Option<String>), Unrouted> {
        Router::new().unwrap().route(&method, path).map(|routed| (routed.row.call, routed.id))
    }

    #[test]
    fn every_row_is_found_by_its_own_method_and_path() {
        for row in ROWS {
            for method in row.methods.described() {
                let found = route(method.clone(), &row.path.replace("{id}", "x"));
                assert_eq!(found.unwrap().0, row.call, "{method} {}", row.path);
            }
        }
    }

    #[test]
    fn an_id_is_decoded() {
        assert_eq!(route(Method::GET, "/api/v1/api-keys/a%2Db"), Ok((Call::GetKey, Some("a-b".to_owned()))));
    }

    #[test]
    fn another_method_is_told_which_there_are() {
        assert_eq!(
            route(Method::PUT, "/api/v1/api-keys"),
            Err(Unrouted::OtherMethods(vec![Method::POST, Method::GET, Method::HEAD]))
        );
    }

    #[test]
    fn other_paths_are_unknown() {
        for path in ["/", "/api/v1", "/api/v1/api-keys/", "/api/v1/api-keys/x/y", "/API/V1/me", "*", ""] {
            assert_eq!(route(Method::GET, path), Err(Unrouted::UnknownPath), "{path}");
        }
    }

    #[test]
    fn a_gateway_may_ask_by_any_method() {
        let method = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(route(method.clone(), "/api/v1/authorize"), Ok((Call::Authorize, None)));
        for original in ["", "/", "//", "/a/../b", "/api/v1/me", "/%2f"] {
            let path = format!("/api/v1/authorize/envoy{original}");
            assert_eq!(route(method.clone(), &path), Ok((Call::AuthorizeEnvoy, None)), "{path}");
        }
        for path in ["/api/v1/authorize/", "/api/v1/authorize/me", "/api/v1/authorize/envoys"] {
            assert_eq!(route(method.clone(), path), Err(Unrouted::UnknownPath), "{path}");
        }
    }

    #[test]
    fn head_is_get() {
        assert_eq!(route(Method::HEAD, "/healthz"), Ok((Call::Health, None)));
    }
}
