//! The table of pages: which path and method leads to which, and what it needs.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;
use qwetty_authz::administration::API_KEYS_READ;

/// Everything under this path is the console's.
pub(crate) const ROOT: &str = "/settings";
/// Where people begin: the list of keys.
pub(crate) const HOME: &str = "/settings/api-keys";
/// The one page for whoever is not signed in.
pub(crate) const SIGN_IN: &str = "/settings/sign-in";
/// Where a session is ended.
pub(crate) const SIGN_OUT: &str = "/settings/sign-out";
/// The form for a new key.
pub(crate) const NEW_KEY: &str = "/settings/api-keys/new";

/// One page, or one thing to do.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// A pattern of matchit, with at most one parameter, `{id}`. It is also the label under which the page is counted.
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) page: Page,
}

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Whoever comes.
    Nobody,
    /// Somebody whose key holds this permission, beside `api_keys:read`, which every session needs.
    Permission(&'static str),
}

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Root,
    Asset,
    SignIn,
    SignInSubmit,
    SignOut,
    KeyList,
}

use Needs::{Nobody, Permission};

/// The table.
pub(crate) const ROUTES: &[Route] = &[
    Route { method: Method::GET, path: ROOT, needs: Nobody, page: Page::Root },
    Route { method: Method::GET, path: "/settings/assets/{id}", needs: Nobody, page: Page::Asset },
    Route { method: Method::GET, path: SIGN_IN, needs: Nobody, page: Page::SignIn },
    Route { method: Method::POST, path: SIGN_IN, needs: Nobody, page: Page::SignInSubmit },
    Route { method: Method::POST, path: SIGN_OUT, needs: Nobody, page: Page::SignOut },
    Route { method: Method::GET, path: HOME, needs: Permission(API_KEYS_READ), page: Page::KeyList },
];

/// Finds the route of a request.
pub(crate) struct Router(matchit::Router<Vec<&'static Route>>);

/// A request's route, and the id that stands in its path.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) route: &'static Route,
    pub(crate) id: Option<String>,
}

/// Why a request has no route.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unrouted {
    /// There is no such page.
    UnknownPath,
    /// There is, for other methods.
    OtherMethods(Vec<Method>),
}

/// The table cannot be served: two of its paths cannot be told apart.
#[derive(Debug, thiserror::Error)]
#[error("the table of pages is ambiguous: {0}")]
pub(crate) struct AmbiguousRoutes(#[from] matchit::InsertError);

impl Router {
    pub(crate) fn new() -> Result<Self, AmbiguousRoutes> {
        let mut by_path = BTreeMap::<&str, Vec<&Route>>::new();
        for route in ROUTES {
            by_path.entry(route.path).or_default().push(route);
        }
        let mut router = matchit::Router::new();
        for (path, routes) in by_path {
            router.insert(path, routes)?;
        }
        Ok(Self(router))
    }

    /// HEAD is GET whose answer has no body (RFC 9110, section 9.3.2).
    pub(crate) fn route(&self, method: &Method, path: &str) -> Result<Routed, Unrouted> {
        let found = self.0.at(path).map_err(|_| Unrouted::UnknownPath)?;
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let Some(route) = found.value.iter().find(|route| route.method == *wanted) else {
            return Err(Unrouted::OtherMethods(methods(found.value)));
        };
        let id = match found.params.get("id") {
            None => None,
            Some(id) => {
                let decoded = percent_decode_str(id).decode_utf8().map_err(|_| Unrouted::UnknownPath)?;
                Some(decoded.into_owned())
            }
        };
        Ok(Routed { route, id })
    }
}

fn methods(routes: &[&Route]) -> Vec<Method> {
    let mut methods: Vec<Method> = routes.iter().map(|route| route.method.clone()).collect();
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    methods
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_by_its_own_method_and_path() {
        let router = Router::new().unwrap();
        for route in ROUTES {
            let found = router.route(&route.method, &route.path.replace("{id}", "x")).unwrap();
            assert_eq!(found.route.page, route.page, "{} {}", route.method, route.path);
            assert!(route.path.starts_with(ROOT));
        }
    }

    #[test]
    fn other_methods_and_paths_are_told_apart() {
        let router = Router::new().unwrap();
        assert_eq!(
            router.route(&Method::PUT, SIGN_IN).unwrap_err(),
            Unrouted::OtherMethods(vec![Method::GET, Method::POST, Method::HEAD])
        );
        for path in ["/settings/", "/settings/nothing", "/settings/api-keys/", "/settings/sign-in/x"] {
            assert_eq!(router.route(&Method::GET, path).unwrap_err(), Unrouted::UnknownPath, "{path}");
        }
    }
}
