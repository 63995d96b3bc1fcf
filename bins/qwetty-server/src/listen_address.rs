//! Where to listen, as an operator writes it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// A host and a port: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`. Port 0 lets the system choose one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    /// An address, or a name that is resolved when the listener is bound.
    host: String,
    port: u16,
}

/// The text is not of the form `HOST:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected ADDRESS:PORT, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080")]
pub(crate) struct ListenAddressError;

impl ListenAddress {
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        // The scope id of a link-local address belongs to its host part.
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            _ => address.ip().to_string(),
        };
        Self { host, port: address.port() }
    }
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let (host, port) = text.rsplit_once(':').ok_or(ListenAddressError)?;
        // Labels of letters, digits and hyphens (RFC 1123, section 2.1). A host of digits and dots alone is an
        // address that did not parse.
        let is_name = !host.is_empty()
            && host.len() <= 253
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
            && host.bytes().any(|byte| byte.is_ascii_alphabetic());
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port) if is_name && is_number => Ok(Self { host: host.to_owned(), port }),
            _ => Err(ListenAddressError),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_accepted_and_shown_as_written() {
        for text in ["127.0.0.1:8080", "[::1]:0", "[::]:8080", "localhost:8080", "api-keys.example.com:65535"]
        {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ":",
            "8080",
            ":8080",
            "localhost",
            "localhost:",
            "localhost:+80",
            "localhost:65536",
            "127.0.0.1",
            "127.0.0.256:80",
            "::1:8080x",
            "http://localhost:80",
            "local host:80",
            "a/b:80",
            "[::1]",
            "[::1:80",
        ] {
            assert_eq!(text.parse::<ListenAddress>(), Err(ListenAddressError), "{text}");
        }
    }
}
