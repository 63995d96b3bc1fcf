//! From a method and a path to a row of a table of calls or pages.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use percent_encoding::percent_decode_str;

/// A row of a [`PathTable`].
pub trait PathRow: 'static {
    /// The pattern of the path, as matchit has it, with at most one parameter, `{id}`.
    fn path(&self) -> &'static str;

    /// The methods that it takes, as far as they can be named. GET takes HEAD along, whose answer has no body (RFC 9110,
    /// section 9.3.2).
    fn methods(&self) -> &[Method];

    /// Whether it takes this method; one of [`methods`](Self::methods), unless told otherwise.
    fn takes(&self, method: &Method) -> bool {
        self.methods().contains(if method == Method::HEAD { &Method::GET } else { method })
    }
}

/// Finds the row of a request among the paths of a service itself.
#[derive(Debug)]
pub struct PathTable<R: PathRow>(matchit::Router<Vec<&'static R>>);

/// A request's row, and the id that stands in its path, percent-decoded.
///
/// Its `Debug` leaves the id out: it is whatever a client wrote there, a key value by mistake.
pub struct Routed<R: PathRow> {
    /// The row.
    pub row: &'static R,
    /// What stands where the row's path has `{id}`.
    pub id: Option<String>,
}

impl<R: PathRow + fmt::Debug> fmt::Debug for Routed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routed").field("row", self.row).finish_non_exhaustive()
    }
}

/// Why a request has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unrouted {
    /// No row has this path.
    UnknownPath,
    /// Rows have this path, with these methods.
    OtherMethods(Vec<Method>),
}

/// The table cannot be served: two of its paths cannot be told apart.
#[derive(Debug, thiserror::Error)]
#[error("the table of paths is ambiguous: {0}")]
pub struct AmbiguousTable(#[from] matchit::InsertError);

impl<R: PathRow> PathTable<R> {
    /// A table of these rows.
    ///
    /// # Errors
    ///
    /// Two paths cannot be told apart.
    pub fn new(rows: &'static [R]) -> Result<Self, AmbiguousTable> {
        let mut by_path = BTreeMap::<&str, Vec<&R>>::new();
        for row in rows {
            by_path.entry(row.path()).or_default().push(row);
        }
        let mut router = matchit::Router::new();
        for (path, rows) in by_path {
            router.insert(path, rows)?;
        }
        Ok(Self(router))
    }

    /// The row of a request.
    ///
    /// # Errors
    ///
    /// There is none for its path, or for its method.
    pub fn route(&self, method: &Method, path: &str) -> Result<Routed<R>, Unrouted> {
        let found = self.0.at(path).map_err(|_| Unrouted::UnknownPath)?;
        let Some(row) = found.value.iter().find(|row| row.takes(method)) else {
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

fn methods<R: PathRow>(rows: &[&R]) -> Vec<Method> {
    let mut methods: Vec<Method> = rows.iter().flat_map(|row| row.methods()).cloned().collect();
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Row(&'static str, Method);

    impl PathRow for Row {
        fn path(&self) -> &'static str {
            self.0
        }

        fn methods(&self) -> &[Method] {
            std::slice::from_ref(&self.1)
        }
    }

    const THINGS: &str = "/things";
    const THING: &str = "/things/{id}";
    const ROWS: &[Row] = &[
        Row(THINGS, Method::GET),
        Row(THINGS, Method::POST),
        Row(THING, Method::GET),
        Row("/", Method::PUT),
    ];

    fn route(method: &Method, path: &str) -> Result<(&'static Row, Option<String>), Unrouted> {
        PathTable::new(ROWS).unwrap().route(method, path).map(|routed| (routed.row, routed.id))
    }

    #[test]
    fn a_row_is_found_by_method_and_path() {
        assert_eq!(route(&Method::POST, "/things"), Ok((&ROWS[1], None)));
        assert_eq!(route(&Method::GET, "/things/x"), Ok((&ROWS[2], Some("x".to_owned()))));
    }

    #[test]
    fn head_is_get() {
        assert_eq!(route(&Method::HEAD, "/things"), Ok((&ROWS[0], None)));
        assert_eq!(route(&Method::HEAD, "/"), Err(Unrouted::OtherMethods(vec![Method::PUT])));
    }

    #[test]
    fn an_id_is_decoded_and_must_be_text() {
        assert_eq!(route(&Method::GET, "/things/a%2Db"), Ok((&ROWS[2], Some("a-b".to_owned()))));
        assert_eq!(route(&Method::GET, "/things/%ff"), Err(Unrouted::UnknownPath));
    }

    #[test]
    fn another_method_is_told_which_there_are() {
        let methods = vec![Method::GET, Method::POST, Method::HEAD];
        assert_eq!(route(&Method::DELETE, "/things"), Err(Unrouted::OtherMethods(methods)));
    }

    #[test]
    fn other_paths_are_unknown() {
        for path in ["/things/", "/things/x/y", "/Things", "*", ""] {
            assert_eq!(route(&Method::GET, path), Err(Unrouted::UnknownPath), "{path}");
        }
    }

    #[test]
    fn paths_that_cannot_be_told_apart_are_no_table() {
        const TWICE: &[Row] = &[Row("/a/{id}", Method::GET), Row("/a/{other}", Method::GET)];
        assert!(PathTable::new(TWICE).is_err());
    }
}
