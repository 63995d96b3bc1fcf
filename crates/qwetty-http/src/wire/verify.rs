use qwetty_guard::push_decimal;
use utoipa::ToSchema;

use super::{KeyIdText, OrganizationIdText, TimeText, schema};

/// The answer to `POST /verify`.
pub(crate) struct VerifyObject<'a> {
    valid: bool,
    code: &'a str,
    subject: Option<VerifySubject<'a>>,
    grants: Option<VerifyGrants<'a>>,
    retry_after: Option<u64>,
}

/// Whose key was presented.
#[derive(ToSchema)]
#[schema(as = VerifiedSubject, rename_all = "camelCase")]
pub(crate) struct VerifySubject<'a> {
    /// The key.
    pub(crate) key_id: KeyIdText,
    /// The organization that owns it.
    pub(crate) organization_id: OrganizationIdText,
    /// What people call the key.
    pub(crate) name: &'a str,
}

/// What an admitted key may do, so that the service can filter by it.
#[derive(ToSchema)]
#[schema(as = VerifiedGrants, rename_all = "camelCase")]
pub(crate) struct VerifyGrants<'a> {
    /// Its permissions, in catalogue order.
    pub(crate) permissions: Vec<&'a str>,
    /// Its channels; null is every channel.
    #[schema(required)]
    pub(crate) channel_scopes: Option<Vec<&'a str>>,
    /// Its tier.
    #[schema(schema_with = schema::tier)]
    pub(crate) tier: &'a str,
    /// When it expires; null is never.
    #[schema(required)]
    pub(crate) expires_at: Option<TimeText>,
    /// What is left of its quota.
    pub(crate) rate_limit: LevelObject,
}

/// What is left of a quota.
#[derive(ToSchema)]
#[schema(as = QuotaLevel, rename_all = "camelCase")]
pub(crate) struct LevelObject {
    /// Units in any one window.
    pub(crate) limit: u32,
    /// Units that are free.
    pub(crate) remaining: u32,
    /// The first whole Unix second at which more are.
    pub(crate) reset: i64,
}

impl VerifyObject<'_> {
    /// Appends the object as JSON. Written by hand: nearly all of it is the same each time, and a serializer looks at every
    /// letter of every name.
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(if self.valid {
            b"{\"valid\":true,\"code\":"
        } else {
            b"{\"valid\":false,\"code\":"
        });
        push_string(text, self.code);
        if let Some(VerifySubject { key_id, organization_id, name }) = &self.subject {
            text.extend_from_slice(b",\"keyId\":\"");
            text.extend_from_slice(&key_id.0.text());
            text.extend_from_slice(b"\",\"organizationId\":\"");
            text.extend_from_slice(&organization_id.0.text());
            text.extend_from_slice(b"\",\"name\":");
            push_string(text, name);
        }
        if let Some(VerifyGrants { permissions, channel_scopes, tier, expires_at, rate_limit }) = &self.grants
        {
            text.extend_from_slice(b",\"permissions\":");
            push_list(text, permissions);
            text.extend_from_slice(b",\"channelScopes\":");
            push_or_null(text, channel_scopes.as_ref(), |text, channels| push_list(text, channels));
            text.extend_from_slice(b",\"tier\":");
            push_string(text, tier);
            text.extend_from_slice(b",\"expiresAt\":");
            push_or_null(text, expires_at.as_ref(), |text, time| push_string(text, &time.0.to_string()));
            text.extend_from_slice(b",\"rateLimit\":{\"limit\":");
            push_decimal(text, rate_limit.limit);
            text.extend_from_slice(b",\"remaining\":");
            push_decimal(text, rate_limit.remaining);
            text.extend_from_slice(b",\"reset\":");
            push_decimal(text, rate_limit.reset);
            text.push(b'}');
        }
        if let Some(retry_after) = self.retry_after {
            text.extend_from_slice(b",\"retryAfter\":");
            push_decimal(text, retry_after);
        }
        text.push(b'}');
    }
}

fn push_or_null<T>(text: &mut Vec<u8>, value: Option<T>, push: impl FnOnce(&mut Vec<u8>, T)) {
    match value {
        None => text.extend_from_slice(b"null"),
        Some(value) => push(text, value),
    }
}

fn push_list(text: &mut Vec<u8>, items: &[&str]) {
    text.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        push_string(text, item);
    }
    text.push(b']');
}

/// A string that has nothing to escape goes out as it is; what has to be escaped, RFC 8259 says in section 7.
fn push_string(text: &mut Vec<u8>, string: &str) {
    // All bytes, without a way out between: the processor looks at many at a time then.
    let is_escaped =
        string.bytes().fold(false, |is, byte| is | (byte < b' ') | (byte == b'"') | (byte == b'\\'));
    if is_escaped {
        // Memory takes whatever is written, and a string is always JSON.
        let _ = serde_json::to_writer(text, string);
        return;
    }
    text.push(b'"');
    text.extend_from_slice(string.as_bytes());
    text.push(b'"');
}

impl<'a> VerifyObject<'a> {
    /// The presented key may do what was asked.
    pub(crate) fn allowed(subject: VerifySubject<'a>, grants: VerifyGrants<'a>) -> Self {
        Self { valid: true, code: "valid", subject: Some(subject), grants: Some(grants), retry_after: None }
    }

    /// Nobody's key, or none that the caller may know of.
    pub(crate) fn not_found() -> Self {
        Self { valid: false, code: "not_found", subject: None, grants: None, retry_after: None }
    }

    /// A known key that a check refused; `retry_after` in seconds, where the quota did.
    pub(crate) fn refused(code: &'a str, subject: VerifySubject<'a>, retry_after: Option<u64>) -> Self {
        Self { valid: false, code, subject: Some(subject), grants: None, retry_after }
    }
}

#[cfg(test)]
mod tests {
    use qwetty_keys::{KeyId, OrganizationId, Timestamp};
    use serde_json::{Value, json};

    use super::super::Text;
    use super::*;

    fn subject() -> VerifySubject<'static> {
        let (key_id, organization_id) = (KeyId::from_u128(1), OrganizationId::from_u128(2));
        VerifySubject { key_id: Text(key_id), organization_id: Text(organization_id), name: "CRM" }
    }

    fn text(object: &VerifyObject<'_>) -> String {
        let mut text = Vec::new();
        object.write(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn subject_json() -> String {
        let zeros = "0".repeat(25);
        format!(r#""keyId":"key_{zeros}1","organizationId":"org_{zeros}2","name":"CRM""#)
    }

    #[test]
    fn an_admitted_key_goes_out_with_its_grants() {
        let grants = VerifyGrants {
            permissions: vec!["chats:read"],
            channel_scopes: None,
            tier: "standard",
            expires_at: None,
            rate_limit: LevelObject { limit: 1_000, remaining: 999, reset: 1_700_000_000 },
        };
        assert_eq!(
            text(&VerifyObject::allowed(subject(), grants)),
            format!(
                concat!(
                    r#"{{"valid":true,"code":"valid",{},"permissions":["chats:read"],"channelScopes":null,"#,
                    r#""tier":"standard","expiresAt":null,"#,
                    r#""rateLimit":{{"limit":1000,"remaining":999,"reset":1700000000}}}}"#
                ),
                subject_json()
            )
        );
    }

    #[test]
    fn whatever_a_name_has_reads_as_the_name() {
        for name in ["", "a \"b\" \\ c", "tab\t, line\nand \u{1}", "Schl\u{fc}ssel \u{1f511}\u{7f}\u{2028}"] {
            let grants = VerifyGrants {
                permissions: vec!["a:b", "c"],
                channel_scopes: Some(vec!["x.1", "Y-2"]),
                tier: "admin",
                expires_at: Some(Text(Timestamp::from_unix_micros(1))),
                rate_limit: LevelObject { limit: 0, remaining: u32::MAX, reset: -1 },
            };
            let object = VerifyObject::allowed(VerifySubject { name, ..subject() }, grants);
            let read: Value = serde_json::from_str(&text(&object)).unwrap();
            assert_eq!(read["name"], name);
            assert_eq!(read["permissions"], json!(["a:b", "c"]));
            assert_eq!(read["channelScopes"], json!(["x.1", "Y-2"]));
            assert_eq!(read["expiresAt"], "1970-01-01T00:00:00.000001Z");
            assert_eq!(read["rateLimit"], json!({ "limit": 0, "remaining": u32::MAX, "reset": -1 }));
        }
    }

    #[test]
    fn a_refused_key_goes_out_with_its_name_alone() {
        assert_eq!(
            text(&VerifyObject::refused("revoked", subject(), None)),
            format!(r#"{{"valid":false,"code":"revoked",{}}}"#, subject_json())
        );
        assert_eq!(
            text(&VerifyObject::refused("rate_limited", subject(), Some(34))),
            format!(r#"{{"valid":false,"code":"rate_limited",{},"retryAfter":34}}"#, subject_json())
        );
    }

    #[test]
    fn an_unknown_key_goes_out_with_nothing() {
        assert_eq!(text(&VerifyObject::not_found()), r#"{"valid":false,"code":"not_found"}"#);
    }
}
