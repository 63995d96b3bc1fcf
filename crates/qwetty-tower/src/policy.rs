use http::request::Parts;
use qwetty_guard::{Need, RouteTable};

/// What each request needs of its key.
pub trait Policy {
    /// What this request needs; `None` refuses it whatever key it carries, with 403 `route_not_mapped`. Asked once for
    /// each request, before its key is looked at, so it must believe nothing but what it can check itself.
    fn needs<'a>(&'a self, request: &'a Parts) -> Option<Need<'a>>;
}

/// A closure over the head of a request.
impl<F> Policy for F
where
    F: for<'a> Fn(&'a Parts) -> Option<Need<'a>>,
{
    fn needs<'a>(&'a self, request: &'a Parts) -> Option<Need<'a>> {
        self(request)
    }
}

/// The same permissions for every request, all of them needed; see [`Guard::requiring`](crate::Guard::requiring).
#[derive(Debug, Clone, Copy)]
pub struct Requiring(pub(crate) &'static [&'static str]);

impl Policy for Requiring {
    fn needs<'a>(&'a self, _request: &'a Parts) -> Option<Need<'a>> {
        Some(Need::all(self.0.iter().copied()))
    }
}

/// The rows of the table; what none of them maps is refused. The path is the one that the layer sees: put it around the whole
/// service, and not within what strips a prefix.
impl Policy for RouteTable {
    fn needs<'a>(&'a self, request: &'a Parts) -> Option<Need<'a>> {
        let target = request.uri.path_and_query()?.as_str().as_bytes();
        self.find(request.method.as_str(), target, &request.headers).ok()
    }
}
