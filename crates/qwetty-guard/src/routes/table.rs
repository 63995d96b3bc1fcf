//! The table itself: checked when it is built, asked for every request.

use std::borrow::Cow;

use http::Method;
use http::header::{HeaderMap, HeaderName};
use qwetty_authz::{Catalogue, Permission};

use super::channel::{self, ChannelSource};
use super::error::{RouteError, RouteFault};
use super::need::Need;
use super::path::{self, PathFault, Segments};
use super::pattern::Pattern;
use super::route::Route;
use super::tree::{NearMiss, Tree};

/// Which permissions and which channel a request needs, by its method and path. Of several rows that match, the first
/// one decides; a request that no row matches is refused.
///
/// Paths are matched in normal form, segment by segment, each percent-decoded once: `/api/v1/ch%61ts` is
/// `/api/v1/chats`. What two programs could read in two ways ([`PathFault`]) is in no table. The default table is empty and
/// refuses everything.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    rows: Vec<Row>,
    /// A tree for each method that has rows. They are few.
    methods: Vec<(String, Tree)>,
}

/// Why a request has no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmapped {
    /// Its path is not in normal form.
    #[error(transparent)]
    Path(#[from] PathFault),
    /// No row matches its method and path.
    #[error("the route table has no row for this method and path")]
    NoRow,
    /// A parameter would take what another program could read as a literal of another row: `ADMIN`, `admin;x` or `admin.json`
    /// beside `admin`.
    #[error("the path has a segment that is nearly one of the route table; write it as the table has it")]
    NearMiss,
}

#[derive(Debug, Clone)]
struct Row {
    permissions: Vec<Permission>,
    channel: Source,
}

/// A [`ChannelSource`] that has been checked.
#[derive(Debug, Clone)]
enum Source {
    None,
    Segment(usize),
    Query(String),
    Header(HeaderName),
}

impl RouteTable {
    /// A table of these rows, in this order.
    ///
    /// # Errors
    ///
    /// The first row that is malformed, names a permission that the catalogue lacks, or can never be reached because one
    /// earlier row of its method takes every path that it would.
    pub fn new(routes: impl IntoIterator<Item = Route>, catalogue: &Catalogue) -> Result<Self, RouteError> {
        let mut table = Self::default();
        let mut known: Vec<(Method, Pattern)> = Vec::new();
        for (index, route) in routes.into_iter().enumerate() {
            let (method, pattern) = table
                .push(&route, catalogue, &known)
                .map_err(|fault| RouteError { row: index + 1, fault })?;
            known.push((method, pattern));
        }
        Ok(table)
    }

    /// What a request needs, by its method, its target (path and query, raw, as the request line has it) and its headers.
    /// It allocates nothing for a path and query without escapes.
    ///
    /// # Errors
    ///
    /// [`Unmapped`] refuses the request.
    pub fn find<'a>(
        &'a self,
        method: &str,
        target: &'a [u8],
        headers: &'a HeaderMap,
    ) -> Result<Need<'a>, Unmapped> {
        let mut segments = Segments::new();
        let query = path::split(target, &mut segments)?;
        let (_, tree) = self.methods.iter().find(|(own, _)| own == method).ok_or(Unmapped::NoRow)?;
        let index = tree.find(&segments).map_err(|NearMiss| Unmapped::NearMiss)?.ok_or(Unmapped::NoRow)?;
        let row = self.rows.get(index).ok_or(Unmapped::NoRow)?;
        let channel: Option<Cow<'a, str>> = match &row.channel {
            Source::None => None,
            Source::Segment(index) => channel::in_segment(segments.swap_remove(*index)),
            Source::Query(name) => channel::in_query(query, name),
            Source::Header(name) => channel::in_header(headers, name),
        };
        Ok(Need { permissions: row.permissions.iter().map(Permission::as_str).collect(), channel })
    }

    /// Adds a row, and gives its method and pattern.
    fn push(
        &mut self,
        route: &Route,
        catalogue: &Catalogue,
        known: &[(Method, Pattern)],
    ) -> Result<(Method, Pattern), RouteFault> {
        let method = Method::from_bytes(route.method.as_bytes())
            .map_err(|_| RouteFault::Method(route.method.clone()))?;
        let pattern = Pattern::parse(&route.path)?;
        let permissions = route
            .permissions
            .iter()
            .map(|name| catalogue.get(name).cloned().ok_or_else(|| RouteFault::Permission(name.clone())));
        let permissions = permissions.collect::<Result<_, _>>()?;
        let channel = Source::of(&route.channel, &pattern)?;
        let covers = |(own, earlier): &(Method, Pattern)| *own == method && earlier.covers(&pattern);
        if let Some(earlier) = known.iter().position(covers) {
            return Err(RouteFault::Unreachable(earlier + 1));
        }
        let tree = match self.methods.iter_mut().find(|(own, _)| *own == route.method) {
            Some((_, tree)) => tree,
            None => &mut self.methods.push_mut((route.method.clone(), Tree::default())).1,
        };
        tree.insert(&pattern, known.len());
        self.rows.push(Row { permissions, channel });
        Ok((method, pattern))
    }
}

impl Source {
    fn of(channel: &ChannelSource, pattern: &Pattern) -> Result<Self, RouteFault> {
        match channel {
            ChannelSource::None => Ok(Self::None),
            ChannelSource::Path(name) => {
                let position =
                    pattern.position(name).ok_or_else(|| RouteFault::ChannelParameter(name.clone()))?;
                Ok(Self::Segment(position))
            }
            ChannelSource::Query(name) if name.is_empty() => Err(RouteFault::ChannelQuery),
            ChannelSource::Query(name) => Ok(Self::Query(name.clone())),
            ChannelSource::Header(name) => {
                let header = HeaderName::from_bytes(name.as_bytes());
                header.map(Self::Header).map_err(|_| RouteFault::ChannelHeader(name.clone()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn table(routes: impl IntoIterator<Item = Route>) -> Result<RouteTable, String> {
        RouteTable::new(routes, &Catalogue::qwetty()).map_err(|error| error.to_string())
    }

    /// A row whose permission tells it from the others.
    fn row(path: &str, permission: &str) -> Route {
        Route::new("GET", path, [permission])
    }

    fn found<'a>(table: &'a RouteTable, method: &str, target: &str) -> Result<&'a str, Unmapped> {
        let headers = HeaderMap::new();
        let need = table.find(method, target.as_bytes(), &headers)?;
        Ok(table
            .rows
            .iter()
            .flat_map(|row| &row.permissions)
            .find(|own| need.permissions() == [own.as_str()])
            .unwrap()
            .as_str())
    }

    #[test]
    fn the_default_table_is_the_contracts() {
        let table = RouteTable::qwetty();
        for (method, path, permission) in [
            ("GET", "/api/v1/chats", "chats:read"),
            ("GET", "/api/v1/chats/7", "chats:read"),
            ("GET", "/api/v1/chats/7/messages", "chats:read"),
            ("POST", "/api/v1/chats/7/messages", "messages:send"),
            ("GET", "/api/v1/contacts", "contacts:manage"),
            ("POST", "/api/v1/contacts", "contacts:manage"),
            ("GET", "/api/v1/contacts/7", "contacts:manage"),
            ("PUT", "/api/v1/contacts/7", "contacts:manage"),
            ("PATCH", "/api/v1/contacts/7", "contacts:manage"),
            ("DELETE", "/api/v1/contacts/7", "contacts:manage"),
            ("GET", "/api/v1/templates", "templates:read"),
            ("GET", "/api/v1/templates/7", "templates:read"),
            ("POST", "/api/v1/templates/7/send", "templates:send"),
        ] {
            let target = format!("{path}?a=%2f..&channelId=wa-1");
            let headers = HeaderMap::new();
            let need = table.find(method, target.as_bytes(), &headers).unwrap();
            assert_eq!(
                (need.permissions(), need.channel()),
                (&[permission][..], Some("wa-1")),
                "{method} {path}"
            );
            assert_eq!(table.find(method, path.as_bytes(), &headers).unwrap().channel(), None);
        }
        assert_eq!(table.rows.len(), 13);
        for (method, path) in [
            ("HEAD", "/api/v1/chats"),
            ("OPTIONS", "/api/v1/chats"),
            ("get", "/api/v1/chats"),
            ("POST", "/api/v1/chats"),
            ("DELETE", "/api/v1/contacts"),
            ("GET", "/"),
            ("GET", "/API/v1/chats"),
            ("GET", "/api/v1/templates/7/send"),
        ] {
            assert_eq!(found(&table, method, path), Err(Unmapped::NoRow), "{method} {path}");
        }
        assert_eq!(found(&table, "GET", "/api/v1/chats/"), Err(PathFault::EmptySegment.into()));
        assert_eq!(found(&table, "GET", "/api/v1/chats?a#b"), Err(PathFault::Fragment.into()));
    }

    #[test]
    fn another_catalogue_keeps_the_rows_that_it_can_grant() {
        let own = Catalogue::new([("chats:read", "Read"), ("orders:read", "Orders")]).unwrap();
        let table = RouteTable::qwetty_within(&own);
        assert_eq!(table.rows.len(), 3);
        assert!(found(&table, "POST", "/api/v1/chats/7/messages").is_err());
    }

    #[test]
    fn the_first_row_that_matches_decides() {
        let table = table([
            row("/a/{x}/c", "chats:read"),
            row("/a/b/{y}", "messages:send"),
            row("/a/{*rest}", "contacts:manage"),
            row("/{*rest}", "templates:read"),
            row("/", "templates:send"),
        ])
        .unwrap();
        for (path, permission) in [
            ("/a/b/c", "chats:read"),
            ("/a/b/d", "messages:send"),
            ("/a/z/d", "contacts:manage"),
            ("/a/b", "contacts:manage"),
            ("/a/b/c/d", "contacts:manage"),
            ("/a", "templates:read"),
            ("/b/b/c", "templates:read"),
            ("/", "templates:send"),
        ] {
            assert_eq!(found(&table, "GET", path), Ok(permission), "{path}");
        }
    }

    #[test]
    fn what_another_program_could_take_for_another_row_is_in_none() {
        let table = table([
            row("/orders/admin", "chats:read"),
            row("/orders/{id}", "messages:send"),
            row("/files/private/{name}", "contacts:manage"),
            row("/files/{*rest}", "templates:read"),
        ])
        .unwrap();
        for path in
            ["/orders/ADMIN", "/orders/admin;x", "/orders/admin.json", "/orders/admin%20", "/files/Private/a"]
        {
            assert_eq!(found(&table, "GET", path), Err(Unmapped::NearMiss), "{path}");
        }
        assert_eq!(found(&table, "GET", "/orders/admin"), Ok("chats:read"));
        assert_eq!(found(&table, "GET", "/orders/Administrator"), Ok("messages:send"));
        assert_eq!(found(&table, "GET", "/files/private/a"), Ok("contacts:manage"));
        assert_eq!(found(&table, "GET", "/files/public/Private"), Ok("templates:read"));
        assert_eq!(found(&table, "GET", "/Orders/1"), Err(Unmapped::NoRow), "no parameter takes it");
    }

    #[test]
    fn a_row_asks_for_all_its_permissions_or_for_any_key() {
        let table = table([
            Route::new("GET", "/both", ["chats:read", "messages:send"]),
            Route::new("PURGE", "/any", Vec::<String>::new()),
        ])
        .unwrap();
        let headers = HeaderMap::new();
        assert_eq!(
            table.find("GET", b"/both", &headers).unwrap().permissions(),
            ["chats:read", "messages:send"]
        );
        assert!(table.find("PURGE", b"/any", &headers).unwrap().permissions().is_empty());
    }

    #[test]
    fn the_channel_comes_from_where_the_row_says() {
        let of = |path: &str, channel| row(path, "chats:read").with_channel(channel);
        let table = table([
            of("/path/{a}/{channel}", ChannelSource::Path("channel".into())),
            of("/query", ChannelSource::Query("c".into())),
            of("/header", ChannelSource::Header("X-Channel".into())),
            of("/none", ChannelSource::None),
        ])
        .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-channel", HeaderValue::from_static("wa-1"));
        for (target, channel) in [
            ("/path/x/wa%2d1?c=z", Some("wa-1")),
            ("/query?c=wa-1", Some("wa-1")),
            ("/query", None),
            ("/header?c=z", Some("wa-1")),
            ("/none?c=z", None),
        ] {
            assert_eq!(
                table.find("GET", target.as_bytes(), &headers).unwrap().channel(),
                channel,
                "{target}"
            );
        }
    }

    #[test]
    fn a_row_that_cannot_be_is_named_with_its_remedy() {
        let good = || row("/a/{id}", "chats:read");
        let channel = |source| row("/b/{id}/{*rest}", "chats:read").with_channel(source);
        for (bad, message) in [
            (Route::new("GE T", "/b", ["chats:read"]), "\"GE T\" is no HTTP method"),
            (Route::new("", "/b", ["chats:read"]), "\"\" is no HTTP method"),
            (row("/b/", "chats:read"), "the path has an empty segment"),
            (row("/b{c}", "chats:read"), "\"b{c}\" has a brace within"),
            (row("/b", "chats:write"), "\"chats:write\" is not in the catalogue"),
            (channel(ChannelSource::Path("name".into())), "no parameter {name} of one segment"),
            (channel(ChannelSource::Path("rest".into())), "no parameter {rest} of one segment"),
            (channel(ChannelSource::Query(String::new())), "has no name"),
            (channel(ChannelSource::Header("a b".into())), "\"a b\" is no header name"),
            (row("/a/{other}", "messages:send"), "row 1 takes every request"),
            (row("/a/literal", "messages:send"), "row 1 takes every request"),
        ] {
            let error = table([good(), bad]).unwrap_err();
            assert!(error.starts_with("row 2 of the route table: ") && error.contains(message), "{error}");
        }
        assert!(table([good(), Route::new("POST", "/a/{id}", ["chats:read"])]).is_ok());
    }
}
