use serde::Serialize;
use utoipa::ToSchema;

use super::{KeyIdText, NetworkText, OrganizationIdText, TimeText, schema};

/// A key as management reads it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub(crate) struct KeyObject<'a> {
    /// The key's id.
    pub(crate) id: KeyIdText,
    /// The organization that owns it.
    pub(crate) organization_id: OrganizationIdText,
    /// What people call it.
    pub(crate) name: &'a str,
    /// What people say of it.
    #[schema(required)]
    pub(crate) description: Option<&'a str>,
    /// The first characters of its value.
    pub(crate) start: &'a str,
    /// The value itself: in the answer to create and regenerate, and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) key: Option<&'a str>,
    /// The status, derived for this answer.
    #[schema(schema_with = schema::status)]
    pub(crate) status: &'a str,
    /// What it may do, in catalogue order.
    pub(crate) permissions: Vec<&'a str>,
    /// The channels it may use; null is every channel.
    #[schema(required)]
    pub(crate) channel_scopes: Option<Vec<&'a str>>,
    /// Where it may be used from; null is everywhere.
    #[schema(required)]
    pub(crate) ip_whitelist: Option<Vec<NetworkText<'a>>>,
    /// Its tier.
    #[schema(schema_with = schema::tier)]
    pub(crate) tier: &'a str,
    /// The quota of its tier.
    pub(crate) rate_limit: QuotaObject,
    /// When it expires; null is never.
    #[schema(required)]
    pub(crate) expires_at: Option<TimeText>,
    /// When it was made.
    pub(crate) created_at: TimeText,
    /// When anything of it last changed.
    pub(crate) updated_at: TimeText,
    /// The key that made it; null for a root key.
    #[schema(required)]
    pub(crate) created_by: Option<KeyIdText>,
    /// When it was revoked.
    #[schema(required)]
    pub(crate) revoked_at: Option<TimeText>,
    /// Why it was revoked.
    #[schema(required)]
    pub(crate) revocation_reason: Option<&'a str>,
    /// When it last got a new value.
    #[schema(required)]
    pub(crate) regenerated_at: Option<TimeText>,
    /// When the older value ends, while one is alive.
    #[schema(required)]
    pub(crate) previous_value_expires_at: Option<TimeText>,
    /// When the older value was last used.
    #[schema(required)]
    pub(crate) previous_value_last_used_at: Option<TimeText>,
    /// What it was used for so far.
    pub(crate) usage: UsageObject,
}

/// A quota.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Quota)]
pub(crate) struct QuotaObject {
    /// Units in any one window.
    pub(crate) limit: u32,
    /// The window's length in seconds.
    pub(crate) window_seconds: u32,
}

/// What a key was used for so far.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Usage)]
pub(crate) struct UsageObject {
    /// Admitted calls.
    pub(crate) request_count: u64,
    /// Calls refused by checks 2 to 7.
    pub(crate) denied_count: u64,
    /// The last admitted call.
    #[schema(required)]
    pub(crate) last_used_at: Option<TimeText>,
}

#[cfg(test)]
mod tests {
    use qwetty_authz::Network;
    use qwetty_keys::{KeyId, OrganizationId, Timestamp};

    use super::super::Text;
    use super::*;

    fn time(seconds: i64) -> Text<Timestamp> {
        Text(Timestamp::from_unix_micros(seconds * 1_000_000))
    }

    fn object<'a>(key: Option<&'a str>, networks: &'a [Network]) -> KeyObject<'a> {
        KeyObject {
            id: Text(KeyId::from_u128(1)),
            organization_id: Text(OrganizationId::from_u128(2)),
            name: "CRM Integration",
            description: None,
            start: "qwt_4fJk",
            key,
            status: "active",
            permissions: vec!["chats:read", "messages:send"],
            channel_scopes: None,
            ip_whitelist: Some(networks.iter().map(Text).collect()),
            tier: "standard",
            rate_limit: QuotaObject { limit: 1_000, window_seconds: 3_600 },
            expires_at: Some(time(86_400)),
            created_at: time(0),
            updated_at: time(1),
            created_by: Some(Text(KeyId::from_u128(3))),
            revoked_at: None,
            revocation_reason: None,
            regenerated_at: None,
            previous_value_expires_at: None,
            previous_value_last_used_at: None,
            usage: UsageObject { request_count: 2, denied_count: 1, last_used_at: None },
        }
    }

    #[test]
    fn a_key_goes_out_member_for_member() {
        let networks = ["10.0.0.0/8".parse().unwrap(), "1.2.3.4/32".parse().unwrap()];
        let text = serde_json::to_string(&object(None, &networks)).unwrap();
        let zeros = "0".repeat(25);
        let expected = format!(
            concat!(
                r#"{{"id":"key_{z}1","organizationId":"org_{z}2","name":"CRM Integration","#,
                r#""description":null,"start":"qwt_4fJk","status":"active","#,
                r#""permissions":["chats:read","messages:send"],"channelScopes":null,"#,
                r#""ipWhitelist":["10.0.0.0/8","1.2.3.4"],"#,
                r#""tier":"standard","rateLimit":{{"limit":1000,"windowSeconds":3600}},"#,
                r#""expiresAt":"1970-01-02T00:00:00Z","createdAt":"1970-01-01T00:00:00Z","#,
                r#""updatedAt":"1970-01-01T00:00:01Z","createdBy":"key_{z}3","revokedAt":null,"#,
                r#""revocationReason":null,"regeneratedAt":null,"previousValueExpiresAt":null,"#,
                r#""previousValueLastUsedAt":null,"#,
                r#""usage":{{"requestCount":2,"deniedCount":1,"lastUsedAt":null}}}}"#
            ),
            z = zeros
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_value_stands_beside_its_start_where_it_is_shown() {
        let text = serde_json::to_string(&object(Some("qwt_value"), &[])).unwrap();
        assert!(text.contains(r#""start":"qwt_4fJk","key":"qwt_value","status""#), "{text}");
    }
}
