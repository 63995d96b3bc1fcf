use qwetty_tests::{NewKey, Organization, from_now};
use serde_json::{Value, json};

/// The address that clients connect from, which no proxy has.
pub(crate) const CLIENT: &str = "127.0.0.9";
/// The address of a second proxy, in front of the gateway.
pub(crate) const PROXY: &str = "127.0.0.2";
/// An address that nobody here has.
pub(crate) const ELSEWHERE: &str = "198.51.100.7";
/// The quotas of the tiers `standard` and `admin`: two units are soon used up, and other keys never are.
pub(crate) const TIERS: [&str; 2] = ["2/86400", "1000000/86400"];

/// A key that clients call with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Every permission of the API.
    All,
    /// This permission alone.
    Only(&'static str),
    /// Every permission of the API but this.
    AllBut(&'static str),
    /// Bound to the channel `sales`.
    Scoped,
    /// Bound to the address of the clients.
    Here,
    /// Bound to another address.
    Elsewhere,
    Revoked,
    Expired,
    Deleted,
    /// Of the tier `standard`.
    Limited,
    /// No decision is asked about it until Qwetty is gone.
    Fresh,
    /// What it asks for is not counted, since nobody can say how many requests it is.
    Attacker,
}

impl Key {
    /// The permissions of the API.
    pub(crate) const PERMISSIONS: [&str; 5] =
        ["chats:read", "messages:send", "contacts:manage", "templates:read", "templates:send"];

    /// All of them.
    pub(crate) fn every() -> Vec<Self> {
        use Key::*;
        let others = [All, Scoped, Here, Elsewhere, Revoked, Expired, Deleted, Limited, Fresh, Attacker];
        let each = Self::PERMISSIONS.iter().flat_map(|permission| [Only(permission), AllBut(permission)]);
        others.into_iter().chain(each).collect()
    }

    /// Makes it.
    pub(crate) async fn make(self, organization: &mut Organization) -> NewKey {
        let key = organization.admin.create(self.fields()).await;
        match self {
            Self::Revoked => drop(organization.admin.act(&key.path("/revoke")).await.expect(200)),
            Self::Deleted => drop(organization.admin.delete(&key.path("")).await.expect(204)),
            _ => {}
        }
        key
    }

    fn fields(self) -> Value {
        let permissions: Vec<&str> = match self {
            Self::Only(permission) => vec![permission],
            Self::AllBut(permission) => {
                Self::PERMISSIONS.into_iter().filter(|own| *own != permission).collect()
            }
            _ => Self::PERMISSIONS.to_vec(),
        };
        let mut fields = json!({"permissions": permissions, "tier": "admin"});
        match self {
            Self::Scoped => fields["channelScopes"] = json!(["sales", "support"]),
            Self::Here => fields["ipWhitelist"] = json!([CLIENT]),
            Self::Elsewhere => fields["ipWhitelist"] = json!([ELSEWHERE]),
            Self::Limited => fields["tier"] = json!("standard"),
            Self::Expired => fields["expiresAt"] = json!(from_now(2.0)),
            _ => {}
        }
        fields
    }
}
