//! A request, before it is known who sent it.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, HeaderMap};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Method};
use qwetty::Now;
use qwetty_guard::{RequestId, WithoutForwardedFor, client_address};

use crate::console::ConsoleOptions;
use crate::cookie;
use crate::refusal::Refusal;
use crate::same_origin::SEC_FETCH_SITE;
use crate::token::{Bound, Token};

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What is known of a request before it is known who sent it.
pub(crate) struct Arrival {
    pub(crate) id: RequestId,
    pub(crate) parts: Parts,
    pub(crate) address: Option<IpAddr>,
    /// Whether the client speaks TLS, to this server or to a trusted proxy before it.
    pub(crate) is_secure: bool,
    /// When its head arrived; a form may take its time after that.
    pub(crate) now: Now,
}

impl Arrival {
    pub(crate) fn new(
        parts: Parts,
        peer: SocketAddr,
        id: RequestId,
        now: Now,
        options: &ConsoleOptions,
    ) -> Self {
        let trusted = &options.trusted_proxies;
        let address = client_address(peer.ip(), &parts.headers, trusted, WithoutForwardedFor::Peer);
        let is_forwarded_tls = trusted.contains(peer.ip()) && speaks_https(&parts.headers);
        Self { id, parts, address, is_secure: options.is_tls || is_forwarded_tls, now }
    }

    /// The token in the visitor's cookie of this kind.
    pub(crate) fn cookie(&self, bound: Bound) -> Option<Token> {
        cookie::read(&self.parts.headers, bound, self.is_secure)
    }

    pub(crate) fn is_get(&self) -> bool {
        self.parts.method == Method::GET
    }

    /// The host that the client named.
    pub(crate) fn host(&self) -> Result<Option<&str>, Refusal> {
        let named = qwetty_guard::single(&self.parts.headers, &HOST)?;
        Ok(self.parts.uri.authority().map(Authority::as_str).or(named))
    }

    /// Where the server is, as the client reaches it; nothing in it means anything to a shell or to HTML.
    pub(crate) fn base(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        let host = self.host().ok().flatten().filter(|host| is_plain(host)).unwrap_or("localhost");
        format!("{scheme}://{host}")
    }

    /// Whether somebody followed a link from another site. The browser keeps the cookies of the console's from such a
    /// request (`SameSite=Strict`), so it does not tell who is signed in.
    pub(crate) fn is_from_elsewhere(&self) -> bool {
        let says = |name, word| self.parts.headers.get(name).is_some_and(|value: &HeaderValue| value == word);
        self.is_get() && says(SEC_FETCH_SITE, "cross-site") && says(SEC_FETCH_MODE, "navigate")
    }
}

/// Whether a host can stand in a command that people copy into a shell: a name or an address, and a port.
fn is_plain(host: &str) -> bool {
    !host.is_empty()
        && host.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        })
}

/// What the proxies say of the client's own connection: the first of them speaks first. A client that forges it spoils
/// nobody's cookies but its own.
fn speaks_https(headers: &HeaderMap) -> bool {
    let first = headers.get(X_FORWARDED_PROTO).and_then(|value| value.to_str().ok()?.split(',').next());
    first.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}
