use std::fmt::Display;
use std::net::IpAddr;

use qwetty_authz::Network;
use qwetty_keys::{EventId, KeyId, OrganizationId, Timestamp};
use serde::ser::{Serialize, Serializer};

/// A value that goes out as its text form: an id, a time (RFC 3339 in UTC), a network.
pub(crate) struct Text<T>(pub(crate) T);

// Names without type parameters: deriving a schema for `Text<T>` would ask for one of `T`.
pub(crate) type AddressText = Text<IpAddr>;
pub(crate) type EventIdText = Text<EventId>;
pub(crate) type KeyIdText = Text<KeyId>;
pub(crate) type NetworkText<'a> = Text<&'a Network>;
pub(crate) type OrganizationIdText = Text<OrganizationId>;
pub(crate) type TimeText = Text<Timestamp>;

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_out_as_it_displays() {
        let time = Text(Timestamp::from_unix_micros(1_500_000));
        assert_eq!(serde_json::to_string(&time).unwrap(), r#""1970-01-01T00:00:01.500000Z""#);
        assert_eq!(serde_json::to_string(&Text("a\"b")).unwrap(), r#""a\"b""#);
    }
}
