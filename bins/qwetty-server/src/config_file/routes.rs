//! The route table in a TOML file: `[[routes]]`.

use qwetty_authz::Catalogue;
use qwetty_guard::{ChannelSource, Route, RouteTable};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Source, described, strings};
use crate::config_error::ConfigError;
use crate::setting::Origin;

pub(super) const ROUTES: &str = "routes";

const EXPECTED: &str =
    "expected [[routes]] tables, each with a route, its permissions and, if there is one, a channel";
const EXPECTED_ROUTE: &str = "expected a method and a path pattern, such as \"GET /api/v1/chats/{chatId}\"";
const EXPECTED_CHANNEL: &str = "expected one of { path = \"…\" }, { query = \"…\" } and { header = \"…\" }, with the name of the parameter or header";

impl Source<'_> {
    /// The rows in their order, held against the permissions that there are.
    pub(super) fn routes(
        &self,
        value: &Spanned<DeValue<'_>>,
        origin: &Origin,
        catalogue: &Catalogue,
    ) -> Result<RouteTable, ConfigError> {
        let expected = || ConfigError::Malformed { origin: origin.clone(), fault: EXPECTED.to_owned() };
        let rows = value.get_ref().as_array().ok_or_else(expected)?;
        let mut routes = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let table = row.get_ref().as_table().ok_or_else(expected)?;
            let whole = self.origin(&row.span(), ROUTES);
            routes.push(Row { source: self, number: index + 1, whole }.read(table)?);
        }
        RouteTable::new(routes, catalogue).map_err(|error| {
            let span = error.row.checked_sub(1).and_then(|index| rows.get(index)).unwrap_or(value).span();
            let fault = format!("row {}: {}", error.row, error.fault);
            ConfigError::Malformed { origin: self.origin(&span, ROUTES), fault }
        })
    }
}

/// One table that is being read.
struct Row<'a> {
    source: &'a Source<'a>,
    /// From 1.
    number: usize,
    whole: Origin,
}

impl Row<'_> {
    fn read(&self, table: &DeTable<'_>) -> Result<Route, ConfigError> {
        let (mut route, mut permissions, mut channel) = (None, None, ChannelSource::None);
        for (key, value) in table {
            let origin = self.source.origin(&key.span(), &format!("{ROUTES}.{}", key.get_ref()));
            let value = value.get_ref();
            match key.get_ref().as_ref() {
                "route" => {
                    let parts = value.as_str().and_then(|text| text.split_once(' '));
                    route = Some(parts.ok_or_else(|| self.wrong(origin, EXPECTED_ROUTE, value))?);
                }
                "permissions" => {
                    let expected = "expected an array of strings; [] is any usable key";
                    permissions = Some(strings(value).ok_or_else(|| self.wrong(origin, expected, value))?);
                }
                "channel" => {
                    channel = channel_of(value).ok_or_else(|| self.wrong(origin, EXPECTED_CHANNEL, value))?
                }
                _ => {
                    return Err(ConfigError::Unknown {
                        origin,
                        known: "route, permissions, channel".to_owned(),
                    });
                }
            }
        }
        let Some(((method, path), permissions)) = route.zip(permissions) else {
            let fault = "needs both a route and its permissions; permissions = [] is any usable key";
            return Err(self.malformed(self.whole.clone(), fault));
        };
        Ok(Route::new(method, path, permissions).with_channel(channel))
    }

    fn wrong(&self, origin: Origin, expected: &str, found: &DeValue<'_>) -> ConfigError {
        self.malformed(origin, &format!("{expected}; found {}", described(found)))
    }

    fn malformed(&self, origin: Origin, fault: &str) -> ConfigError {
        ConfigError::Malformed { origin, fault: format!("row {}: {fault}", self.number) }
    }
}

fn channel_of(value: &DeValue<'_>) -> Option<ChannelSource> {
    let mut members = value.as_table()?.iter();
    let (kind, name) = members.next()?;
    let name = name.get_ref().as_str()?.to_owned();
    match (kind.get_ref().as_ref(), members.next()) {
        ("path", None) => Some(ChannelSource::Path(name)),
        ("query", None) => Some(ChannelSource::Query(name)),
        ("header", None) => Some(ChannelSource::Header(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use http::HeaderMap;

    use super::super::parse;
    use super::*;

    fn table(text: &str) -> RouteTable {
        parse(text, Path::new("q.toml")).unwrap().routes.unwrap()
    }

    fn need(table: &RouteTable, method: &str, target: &str) -> Option<(Vec<String>, Option<String>)> {
        let headers = HeaderMap::from_iter([("x-channel".parse().unwrap(), "wa-3".parse().unwrap())]);
        let need = table.find(method, target.as_bytes(), &headers).ok()?;
        let permissions = need.permissions().iter().map(|name| (*name).to_owned()).collect();
        Some((permissions, need.channel().map(str::to_owned)))
    }

    #[test]
    fn rows_are_read_in_their_order_against_the_catalogue_of_the_file() {
        let table = table(
            r#"
            [[routes]]
            route = "GET /orders/{orderId}"
            permissions = ["orders:read"]
            channel = { query = "channelId" }

            [[routes]]
            route = "GET /{*rest}"
            permissions = []

            [[routes]]
            route = "PURGE /channels/{channel}"
            permissions = ["orders:write", "api_keys:read"]
            channel.path = "channel"

            [[routes]]
            route = "POST /orders"
            permissions = ["orders:write"]
            channel = { header = "X-Channel" }

            [[permissions]]
            name = "orders:read"
            label = "Read orders"

            [[permissions]]
            name = "orders:write"
            label = "Write orders"
            "#,
        );
        let needed = |permissions: &[&str], channel: Option<&str>| {
            Some((permissions.iter().map(|name| (*name).to_owned()).collect(), channel.map(str::to_owned)))
        };
        assert_eq!(need(&table, "GET", "/orders/1?channelId=wa-1"), needed(&["orders:read"], Some("wa-1")));
        assert_eq!(need(&table, "GET", "/anything/else"), needed(&[], None));
        assert_eq!(
            need(&table, "PURGE", "/channels/wa-2"),
            needed(&["orders:write", "api_keys:read"], Some("wa-2"))
        );
        assert_eq!(need(&table, "POST", "/orders"), needed(&["orders:write"], Some("wa-3")));
        assert_eq!(need(&table, "GET", "/"), None);
    }

    #[test]
    fn no_rows_map_nothing_and_none_given_is_the_default() {
        assert_eq!(need(&table("routes = []"), "GET", "/api/v1/chats"), None);
        assert!(parse("", Path::new("q.toml")).unwrap().routes.is_none());
    }

    #[test]
    fn a_fault_names_file_line_and_row() {
        let good = "[[routes]]\nroute = \"GET /a/{id}\"\npermissions = []\n";
        for (row, expected) in [
            ("route = \"GET /b\"", "q.toml:4: setting routes: row 2: needs both a route and its permissions"),
            ("permissions = []", "q.toml:4: setting routes: row 2: needs both"),
            (
                "route = \"/b\"\npermissions = []",
                "q.toml:5: setting routes.route: row 2: expected a method and a path",
            ),
            (
                "route = 1\npermissions = []",
                "q.toml:5: setting routes.route: row 2: expected a method and a path pattern",
            ),
            (
                "permissions = \"chats:read\"",
                "q.toml:5: setting routes.permissions: row 2: expected an array of strings",
            ),
            ("permissions = [1]", "q.toml:5: setting routes.permissions: row 2: expected an array"),
            (
                "chanel = \"a\"",
                "q.toml:5: setting routes.chanel is unknown; known are route, permissions, channel",
            ),
            ("channel = \"channelId\"", "q.toml:5: setting routes.channel: row 2: expected one of { path"),
            ("channel = { cookie = \"c\" }", "q.toml:5: setting routes.channel: row 2: expected one of"),
            (
                "channel = { path = \"a\", query = \"b\" }",
                "q.toml:5: setting routes.channel: row 2: expected one of",
            ),
            ("channel = {}", "q.toml:5: setting routes.channel: row 2: expected one of"),
            ("channel.query = 1", "q.toml:5: setting routes.channel: row 2: expected one of"),
            (
                "route = \"GET /b/\"\npermissions = []",
                "q.toml:4: setting routes: row 2: the path has an empty segment",
            ),
            (
                "route = \"GET  /b\"\npermissions = []",
                "q.toml:4: setting routes: row 2: the path does not begin with",
            ),
            (
                "route = \"GET /a/1\"\npermissions = []",
                "q.toml:4: setting routes: row 2: row 1 takes every request",
            ),
            (
                "route = \"PUT /b\"\npermissions = [\"b\"]",
                "row 2: the permission \"b\" is not in the catalogue",
            ),
            (
                "route = \"PUT /b\"\npermissions = []\nchannel = { path = \"id\" }",
                "q.toml:4: setting routes: row 2: the path has no parameter {id}",
            ),
        ] {
            let text = format!("{good}[[routes]]\n{row}");
            let fault = parse(&text, Path::new("q.toml")).unwrap_err().to_string();
            assert!(fault.contains(expected), "{row:?} gave {fault:?}");
        }
        for text in ["routes = 1", "routes = [1]", "[routes]\nroute = \"GET /\""] {
            let fault = parse(text, Path::new("q.toml")).unwrap_err().to_string();
            assert!(fault.starts_with("q.toml:1: setting routes: expected [[routes]] tables"), "{fault}");
        }
    }
}
