//! The table of calls: path, method, and what the caller's key needs.

use std::fmt;

use http::Method;
use qwetty_authz::administration::{
    API_KEYS_MANAGE, API_KEYS_READ, API_KEYS_VERIFY, AUDIT_READ, CHANNELS_MANAGE, ORGANIZATIONS_MANAGE,
};
use qwetty_guard::PathRow;

/// One call of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    CreateKey,
    ListKeys,
    GetKey,
    UpdateKey,
    DeleteKey,
    RegenerateKey,
    RevokeKey,
    ReactivateKey,
    KeyUsage,
    Me,
    Permissions,
    SaveChannel,
    ListChannels,
    DeleteChannel,
    ListEvents,
    CreateOrganization,
    ListOrganizations,
    GetOrganization,
    UpdateOrganization,
    DeleteOrganization,
    Verify,
    ReportLeaked,
    ReportGithubAlerts,
    Authorize,
    AuthorizeEnvoy,
    Health,
    Ready,
    Description,
    Reference,
    ErrorReference,
    ReferenceStyle,
}

/// What the caller's key must be for a call to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: the call is anyone's.
    Nobody,
    /// A usable key, charged one unit; it holds one of these permissions, if there are any.
    Charged(&'static [&'static str]),
    /// A usable key that holds one of these permissions, not charged.
    Uncharged(&'static [&'static str]),
    /// What the route table says of the original request; the key that it bears is charged one unit.
    Original,
}

/// The methods that a call takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Methods {
    /// This one; HEAD is GET.
    One(Method),
    /// Every one that there is or will be.
    Every,
}

impl Methods {
    /// Those that a description can name.
    pub(crate) fn described(&self) -> &[Method] {
        const EVERY: &[Method] = &[
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
        ];
        match self {
            Self::One(method) => std::slice::from_ref(method),
            Self::Every => EVERY,
        }
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(method) => method.fmt(f),
            Self::Every => f.write_str("ANY"),
        }
    }
}

impl Needs {
    /// The same, not charged.
    pub(crate) const fn uncharged(self) -> Self {
        match self {
            Self::Charged(any_of) => Self::Uncharged(any_of),
            Self::Nobody | Self::Uncharged(_) | Self::Original => self,
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) path: &'static str,
    pub(crate) methods: Methods,
    pub(crate) call: Call,
    pub(crate) needs: Needs,
}

const KEYS: &str = "/api/v1/api-keys";
const KEY: &str = "/api/v1/api-keys/{id}";
const CHANNELS: &str = "/api/v1/channels";
const CHANNEL: &str = "/api/v1/channels/{id}";

/// Where a gateway asks about the request that its headers tell.
pub(crate) const AUTHORIZE: &str = "/api/v1/authorize";
/// The same for Envoy, whose own request line is the original one with this before it.
pub(crate) const AUTHORIZE_ENVOY: &str = "/api/v1/authorize/envoy";

const ORGANIZATIONS: &str = "/api/v1/organizations";
const ORGANIZATION: &str = "/api/v1/organizations/{id}";

const MANAGE: Needs = Needs::Charged(&[API_KEYS_MANAGE]);
const READ: Needs = Needs::Charged(&[API_KEYS_READ]);
const OPERATE: Needs = Needs::Charged(&[ORGANIZATIONS_MANAGE]);
const MANAGE_CHANNELS: Needs = Needs::Charged(&[CHANNELS_MANAGE]);

impl PathRow for Row {
    fn path(&self) -> &'static str {
        self.path
    }

    fn methods(&self) -> &[Method] {
        self.methods.described()
    }

    fn takes(&self, method: &Method) -> bool {
        match &self.methods {
            Methods::One(own) => own == if method == Method::HEAD { &Method::GET } else { method },
            Methods::Every => true,
        }
    }
}

impl Row {
    /// The channel that a call with this id in its path is about.
    pub(crate) fn channel<'a>(&self, id: Option<&'a str>) -> Option<&'a str> {
        match self.call {
            Call::SaveChannel | Call::DeleteChannel => id,
            _ => None,
        }
    }

    /// The path as a description has it.
    pub(crate) fn template(&self) -> &'static str {
        match self.call {
            Call::AuthorizeEnvoy => "/api/v1/authorize/envoy/{target}",
            _ => self.path,
        }
    }
}

/// Every call. Nothing else is answered.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    row(KEYS, Method::POST, Call::CreateKey, MANAGE),
    row(KEYS, Method::GET, Call::ListKeys, READ),
    row(KEY, Method::GET, Call::GetKey, READ),
    row(KEY, Method::PATCH, Call::UpdateKey, MANAGE),
    row(KEY, Method::DELETE, Call::DeleteKey, MANAGE),
    row("/api/v1/api-keys/{id}/regenerate", Method::POST, Call::RegenerateKey, MANAGE),
    row("/api/v1/api-keys/{id}/revoke", Method::POST, Call::RevokeKey, MANAGE),
    row("/api/v1/api-keys/{id}/reactivate", Method::POST, Call::ReactivateKey, MANAGE),
    row("/api/v1/api-keys/{id}/usage", Method::GET, Call::KeyUsage, READ),
    row("/api/v1/me", Method::GET, Call::Me, Needs::Charged(&[])),
    row("/api/v1/permissions", Method::GET, Call::Permissions, Needs::Charged(&[])),
    row(CHANNEL, Method::PUT, Call::SaveChannel, MANAGE_CHANNELS),
    row(CHANNELS, Method::GET, Call::ListChannels, Needs::Charged(&[CHANNELS_MANAGE, API_KEYS_READ])),
    row(CHANNEL, Method::DELETE, Call::DeleteChannel, MANAGE_CHANNELS),
    row("/api/v1/audit-events", Method::GET, Call::ListEvents, Needs::Charged(&[AUDIT_READ])),
    row(ORGANIZATIONS, Method::POST, Call::CreateOrganization, OPERATE),
    row(ORGANIZATIONS, Method::GET, Call::ListOrganizations, OPERATE),
    row(ORGANIZATION, Method::GET, Call::GetOrganization, OPERATE),
    row(ORGANIZATION, Method::PATCH, Call::UpdateOrganization, OPERATE),
    row(ORGANIZATION, Method::DELETE, Call::DeleteOrganization, OPERATE),
    VERIFY_ROW,
    row("/api/v1/leaked-keys", Method::POST, Call::ReportLeaked, Needs::Nobody),
    row("/api/v1/leaked-keys/github", Method::POST, Call::ReportGithubAlerts, Needs::Nobody),
    any(AUTHORIZE, Call::Authorize),
    any(AUTHORIZE_ENVOY, Call::AuthorizeEnvoy),
    row("/healthz", Method::GET, Call::Health, Needs::Nobody),
    row("/readyz", Method::GET, Call::Ready, Needs::Nobody),
    row("/openapi.json", Method::GET, Call::Description, Needs::Nobody),
    row("/docs", Method::GET, Call::Reference, Needs::Nobody),
    row("/docs/errors", Method::GET, Call::ErrorReference, Needs::Nobody),
    row("/docs/style.css", Method::GET, Call::ReferenceStyle, Needs::Nobody),
];

const VERIFY_ROW: Row =
    row("/api/v1/verify", Method::POST, Call::Verify, Needs::Uncharged(&[API_KEYS_VERIFY]));

/// The row that is asked for most.
pub(crate) static VERIFY: Row = VERIFY_ROW;

const fn row(path: &'static str, method: Method, call: Call, needs: Needs) -> Row {
    Row { path, methods: Methods::One(method), call, needs }
}

const fn any(path: &'static str, call: Call) -> Row {
    Row { path, methods: Methods::Every, call, needs: Needs::Original }
}

/// The path by which a request is looked up: itself, but for what stands below Envoy's; that is another request's.
pub(crate) fn known(path: &str) -> &str {
    match path.strip_prefix(AUTHORIZE_ENVOY) {
        Some(original) if original.starts_with('/') => AUTHORIZE_ENVOY,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qwetty_guard::{PathTable, Unrouted};

    fn route(method: &Method, path: &str) -> Result<(Call, Option<String>), Unrouted> {
        PathTable::new(ROWS).unwrap().route(method, known(path)).map(|routed| (routed.row.call, routed.id))
    }

    #[test]
    fn every_row_is_found_by_its_own_method_and_path() {
        for row in ROWS {
            for method in row.methods.described() {
                let found = route(method, &row.path.replace("{id}", "x"));
                assert_eq!(found.unwrap().0, row.call, "{method} {}", row.path);
            }
        }
    }

    #[test]
    fn other_paths_are_unknown() {
        for path in ["/", "/api/v1", "/api/v1/api-keys/", "/api/v1/api-keys/x/y", "/API/V1/me", "*", ""] {
            assert_eq!(route(&Method::GET, path), Err(Unrouted::UnknownPath), "{path}");
        }
    }

    #[test]
    fn a_gateway_may_ask_by_any_method() {
        let method = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(route(&method, "/api/v1/authorize"), Ok((Call::Authorize, None)));
        for original in ["", "/", "//", "/a/../b", "/api/v1/me", "/%2f"] {
            let path = format!("/api/v1/authorize/envoy{original}");
            assert_eq!(route(&method, &path), Ok((Call::AuthorizeEnvoy, None)), "{path}");
        }
        for path in ["/api/v1/authorize/", "/api/v1/authorize/me", "/api/v1/authorize/envoys"] {
            assert_eq!(route(&method, path), Err(Unrouted::UnknownPath), "{path}");
        }
    }
}
