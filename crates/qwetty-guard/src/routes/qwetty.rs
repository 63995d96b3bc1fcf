//! The table of the Qwetty API.

use qwetty_authz::Catalogue;

use super::channel::ChannelSource;
use super::route::Route;
use super::table::RouteTable;

const CHANNEL: &str = "channelId";

/// Method, path and permission.
const ROUTES: [(&str, &str, &str); 13] = [
    ("GET", "/api/v1/chats", "chats:read"),
    ("GET", "/api/v1/chats/{chatId}", "chats:read"),
    ("GET", "/api/v1/chats/{chatId}/messages", "chats:read"),
    ("POST", "/api/v1/chats/{chatId}/messages", "messages:send"),
    ("GET", "/api/v1/contacts", "contacts:manage"),
    ("POST", "/api/v1/contacts", "contacts:manage"),
    ("GET", "/api/v1/contacts/{contactId}", "contacts:manage"),
    ("PUT", "/api/v1/contacts/{contactId}", "contacts:manage"),
    ("PATCH", "/api/v1/contacts/{contactId}", "contacts:manage"),
    ("DELETE", "/api/v1/contacts/{contactId}", "contacts:manage"),
    ("GET", "/api/v1/templates", "templates:read"),
    ("GET", "/api/v1/templates/{templateId}", "templates:read"),
    ("POST", "/api/v1/templates/{templateId}/send", "templates:send"),
];

impl RouteTable {
    /// The Qwetty API's table, each row with its channel from the query parameter `channelId`.
    pub fn qwetty() -> Self {
        Self::qwetty_within(&Catalogue::qwetty())
    }

    /// The same without the rows whose permission is not in this catalogue: nobody could be granted it.
    pub fn qwetty_within(catalogue: &Catalogue) -> Self {
        let routes = ROUTES.iter().filter(|(_, _, permission)| catalogue.contains(permission)).map(
            |(method, path, permission)| {
                Route::new(*method, *path, [*permission])
                    .with_channel(ChannelSource::Query(CHANNEL.to_owned()))
            },
        );
        // A test builds it. Were it ever to fail, the empty table refuses everything.
        Self::new(routes, catalogue).unwrap_or_default()
    }
}
