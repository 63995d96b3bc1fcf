//! How the texts of the wire are described: the schemas that no type of this crate could derive.

use std::borrow::Cow;
use std::net::IpAddr;

use qwetty_authz::Network;
use qwetty_keys::{EventId, KeyId, OrganizationId, Status, Timestamp};
use qwetty_ratelimit::Tier;
use qwetty_storage::{Action, ChannelKind};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::Text;
use crate::calls::keys::STATUSES;

const TIERS: [Tier; 2] = [Tier::Standard, Tier::Admin];

/// A type whose text form is described as a schema of its own.
pub(crate) trait TextForm {
    /// What the schema is called.
    const NAME: &'static str;

    /// What the text looks like.
    fn form() -> ObjectBuilder;
}

impl<T: TextForm> PartialSchema for Text<T> {
    fn schema() -> RefOr<Schema> {
        T::form().schema_type(Type::String).build().into()
    }
}

impl<T: TextForm> ToSchema for Text<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }
}

macro_rules! id_form {
    ($id:ty, $name:literal, $prefix:literal, $of:literal) => {
        impl TextForm for $id {
            const NAME: &'static str = $name;

            fn form() -> ObjectBuilder {
                let pattern = concat!("^", $prefix, "[0-7][0-9a-hjkmnp-tv-z]{25}$");
                described(concat!("The id of ", $of, ".")).pattern(Some(pattern))
            }
        }
    };
}

id_form!(KeyId, "KeyId", "key_", "a key");
id_form!(OrganizationId, "OrganizationId", "org_", "an organization");
id_form!(EventId, "EventId", "evt_", "an audit event");

impl TextForm for Timestamp {
    const NAME: &'static str = "Time";

    fn form() -> ObjectBuilder {
        described("A time, RFC 3339, in UTC.")
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .pattern(Some(r"Z$"))
    }
}

impl TextForm for IpAddr {
    const NAME: &'static str = "Address";

    fn form() -> ObjectBuilder {
        described("An IPv4 or IPv6 address.")
    }
}

impl TextForm for &Network {
    const NAME: &'static str = "Network";

    fn form() -> ObjectBuilder {
        described("An IPv4 or IPv6 address, or a network in CIDR notation, in canonical form.")
    }
}

/// The status of a key.
pub(crate) fn status() -> Object {
    one_of("The status, derived for this answer.", STATUSES.map(Status::as_str))
}

/// A tier.
pub(crate) fn tier() -> Object {
    one_of("The tier, which chooses the quota.", TIERS.map(Tier::as_str))
}

/// The kind of a channel.
pub(crate) fn channel_kind() -> Object {
    one_of("What the channel speaks.", ChannelKind::ALL.map(ChannelKind::as_str))
}

/// An action that is audited.
pub(crate) fn action() -> Object {
    one_of("What happened.", Action::ALL.map(Action::as_str))
}

fn one_of<const N: usize>(what: &'static str, words: [&'static str; N]) -> Object {
    described(what).schema_type(Type::String).enum_values(Some(words)).build()
}

fn described(text: &'static str) -> ObjectBuilder {
    ObjectBuilder::new().description(Some(text))
}
